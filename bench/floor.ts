/**
 * The floor: the same durable steps as the update line and nothing else. Verify JWS → append + fdatasync → PUBACK → temp write + fsync →
 * rename → fsync of the directory → append + fdatasync → publish QoS 1. Imports nothing of agent/, and is never slowed to fit.
 * Usage: node floor.mjs URL DIR TOPIC REPORT (DIR holds key.json, the public JWK)
 */
import { createPublicKey, verify } from 'node:crypto';
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import mqtt from 'mqtt';

const [url = '', dir = '', topic = '', report = ''] = process.argv.slice(2);
const key = createPublicKey({ key: JSON.parse(readFileSync(`${dir}/key.json`, 'utf8')), format: 'jwk' });
const journal = openSync(`${dir}/journal`, 'a');
const client = mqtt.connect(url, { clientId: 'floor', protocolVersion: 4, reconnectPeriod: 0 });

interface Payload {
  readonly version: number;
  readonly files: readonly { readonly content: string }[];
}

function append(line: string): void {
  writeSync(journal, line);
  fdatasyncSync(journal);
}

function apply(jws: string, payload: Payload): void {
  const fd = openSync(`${dir}/config.tmp`, 'w', 0o644);
  writeSync(fd, payload.files[0]?.content ?? '');
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${dir}/config.tmp`, `${dir}/config`);
  const folder = openSync(dir, 'r');
  fsyncSync(folder);
  closeSync(folder);
  append(`done ${jws.length}\n`);
  client.publish(report, JSON.stringify({ running: { version: payload.version } }), { qos: 1 });
}

client.handleMessage = (packet, acknowledge) => {
  const jws = packet.payload.toString();
  const dot = jws.lastIndexOf('.');
  const signed = Buffer.from(jws.slice(0, dot));
  if (!verify(null, signed, key, Buffer.from(jws.slice(dot + 1), 'base64url'))) throw new Error('bad signature');
  const payload: Payload = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
  append(`${jws}\n`);
  acknowledge();
  setImmediate(apply, jws, payload);
};
client.on('connect', () => {
  if ('setNoDelay' in client.stream && typeof client.stream.setNoDelay === 'function') client.stream.setNoDelay(true);
  client.subscribe(topic, { qos: 1 }, () => writeFileSync(`${dir}/ready`, ''));
});
client.on('error', (error) => {
  throw error;
});
