import t from 'tap';
import { connectWish } from '../../agent/link/wish.ts';

const BROKER = { protocol: '3.1.1', keepalive_s: 30, connect_timeout_s: 6 } as const;

t.test('what is not set is not used', async (t) => {
  t.strictSame(connectWish({ device: { id: 'drone-7' }, broker: BROKER }, 'mqtt://b:1883', null), {
    ...{ url: 'mqtt://b:1883', will: null, clientId: 'drone-7', protocol: '3.1.1' },
    ...{ keepaliveS: 30, connectTimeoutMs: 6000, username: null, passwordFile: null },
    tls: { ca: null, cert: null, key: null, servername: null },
  });
});

t.test('what is set goes along', async (t) => {
  const broker = {
    ...{ ...BROKER, protocol: '5' as const, username: 'u', password_file: '/p' },
    tls: { ca: '/ca', cert: '/c', key: '/k', servername: 'broker' },
  };
  const will = { topic: 'fleet/v1/dev/drone-7/status', payload: '{}' };
  t.match(connectWish({ device: { id: 'drone-7' }, broker }, 'mqtts://b:8883', will), {
    ...{ protocol: '5', username: 'u', passwordFile: '/p', will },
    tls: { ca: '/ca', cert: '/c', key: '/k', servername: 'broker' },
  });
});
