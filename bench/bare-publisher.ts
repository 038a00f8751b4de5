/** A bare MQTT.js client that publishes so many bytes every so many ms, QoS 0. Usage: node bare-publisher.mjs URL MS BYTES */
import mqtt from 'mqtt';

const [url = '', ms = '', bytes = ''] = process.argv.slice(2);
const client = mqtt.connect(url, { clientId: 'bare-publisher', reconnectPeriod: 0 });
const payload = 'x'.repeat(Number(bytes));
client.on('connect', () => setInterval(() => client.publish('bare/hb', payload), Number(ms)));
