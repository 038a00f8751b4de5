/** A bare MQTT.js client: connects, subscribes, touches a file. Usage: node bare-client.mjs URL FILE */
import { writeFileSync } from 'node:fs';
import mqtt from 'mqtt';

const [url = '', file = ''] = process.argv.slice(2);
const client = mqtt.connect(url, { clientId: 'bare', reconnectPeriod: 0 });
client.on('connect', () => client.subscribe('bare/#', { qos: 1 }, () => writeFileSync(file, '')));
