/**
 * The durable steps of bench/floor.ts with the client of aws-iot-device-sdk-v2. Usage:
 * node beside-aws.mjs MODULES HOST PORT DIR TOPIC REPORT SYNC (DIR holds key.json, the public JWK)
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
import { createRequire } from 'node:module';

/** The little of the SDK that is used here; the package is not among ours. */
interface Sdk {
  readonly io: { readonly ClientBootstrap: new () => object; readonly SocketOptions: new () => object };
  readonly mqtt: {
    readonly QoS: { readonly AtLeastOnce: number };
    readonly MqttClient: new (bootstrap: object) => { new_connection(config: object): Connection };
  };
}
interface Connection {
  connect(): Promise<boolean>;
  subscribe(topic: string, qos: number, take: (topic: string, payload: ArrayBuffer) => void): Promise<object>;
  publish(topic: string, payload: string, qos: number): Promise<object>;
}

const [modules = '', host_name = '', port = '', dir = '', topic = '', report = '', sync = ''] = process.argv.slice(2);
const { io, mqtt }: Sdk = createRequire(`${modules}/`)('aws-iot-device-sdk-v2');
const key = createPublicKey({ key: JSON.parse(readFileSync(`${dir}/key.json`, 'utf8')), format: 'jwk' });
const journal = openSync(`${dir}/journal`, 'a');
const durable = sync === 'yes';

function append(line: string): void {
  writeSync(journal, line);
  if (durable) fdatasyncSync(journal);
}

const client = new mqtt.MqttClient(new io.ClientBootstrap());
const connection = client.new_connection({
  ...{ client_id: `beside-aws-${sync}`, host_name, port: Number(port), clean_session: false, keep_alive: 30 },
  socket_options: new io.SocketOptions(),
});
await connection.connect();
// The SDK acknowledges by itself; there is no way to make it wait for what this function does.
await connection.subscribe(topic, mqtt.QoS.AtLeastOnce, (_topic, bytes) => {
  const jws = Buffer.from(bytes).toString();
  const dot = jws.lastIndexOf('.');
  const isGood = verify(null, Buffer.from(jws.slice(0, dot)), key, Buffer.from(jws.slice(dot + 1), 'base64url'));
  if (!isGood) throw new Error('bad signature');
  const payload = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
  append(`${jws}\n`);
  const fd = openSync(`${dir}/config.tmp`, 'w', 0o644);
  writeSync(fd, payload.files[0].content);
  if (durable) fsyncSync(fd);
  closeSync(fd);
  renameSync(`${dir}/config.tmp`, `${dir}/config`);
  if (durable) {
    const folder = openSync(dir, 'r');
    fsyncSync(folder);
    closeSync(folder);
  }
  append(`done ${jws.length}\n`);
  void connection.publish(report, String(payload.version), mqtt.QoS.AtLeastOnce);
});
writeFileSync(`${dir}/ready`, '');
setInterval(() => {}, 2 ** 30);
