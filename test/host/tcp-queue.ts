import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import t from 'tap';
import { tcpQueued } from '../../agent/host/tcp-queue.ts';
import { until } from '../fixtures/until.ts';

t.test('what the other side has not taken is told, and what it has is not', async (t) => {
  const six = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
  for (const host of ['127.0.0.1', ...(six ? ['::1'] : [])]) {
    const taken: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (socket) => void taken.push(socket));
    server.listen(0, host);
    await once(server, 'listening');
    t.teardown(() => server.close());
    const address = server.address();
    const remote = typeof address === 'object' && address !== null ? address.port : 0;
    const socket = connect(remote, host);
    await once(socket, 'connect');
    t.teardown(() => socket.destroy());
    const ends = { local: socket.localPort ?? 0, remote, fd: null, buffered: 0 };
    const fd: unknown = Reflect.get(Reflect.get(socket, '_handle'), 'fd');
    if (typeof fd !== 'number') throw new Error('no descriptor');
    // The descriptor alone, for nothing in the table is of port 1.
    const byFd = () => tcpQueued()({ local: 1, remote: 1, fd, buffered: 0 });
    const queued = () => tcpQueued()(ends);
    socket.write('a little');
    await until('the system at the other end has it', () => queued() === 0);
    socket.write(Buffer.alloc(64 * 1024 * 1024));
    await until('its memory is full', () => queued() > 100_000 && queued() !== Number.POSITIVE_INFINITY);
    t.ok(byFd() > 100_000 && byFd() !== Number.POSITIVE_INFINITY, 'by the descriptor too');
    t.ok(
      tcpQueued()({ local: 1, remote: 1, fd, buffered: socket.writableLength }) >= 64 * 1024 * 1024,
      'with what is still here',
    );
    taken[0]?.resume();
    await until('it reads on', () => socket.writableLength === 0 && queued() === 0);
    t.equal(byFd(), 0);
    socket.destroy();
    taken[0]?.destroy();
    t.equal(tcpQueued()({ ...ends, remote: 1 }), Number.POSITIVE_INFINITY, 'not known');
  }
});

t.test('as the kernel writes it', async (t) => {
  const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:9C40 0100007F:075B 01 000000FF:00000001 01:00000014 00000000     0        0 2 4 0 20 4 30 10 -1
`;
  const dir = t.testdir({ tcp });
  t.equal(tcpQueued(dir)({ local: 40_000, remote: 1883, fd: null, buffered: 0 }), 255);
  t.equal(
    tcpQueued(dir)({ local: 40_000, remote: 1883, fd: null, buffered: 100 }),
    355,
    'with what it does not have yet',
  );
  t.equal(tcpQueued(dir)(null), Number.POSITIVE_INFINITY, 'without a connection nothing gets through');
  t.equal(tcpQueued(dir)({ local: 1883, remote: 40_000, fd: null, buffered: 0 }), Number.POSITIVE_INFINITY);
  t.equal(
    tcpQueued(dir)({ local: 40_000, remote: 1883, fd: 1_000_000, buffered: 0 }),
    255,
    'a descriptor that is none',
  );
  t.equal(tcpQueued(`${dir}/none`)({ local: 40_000, remote: 1883, fd: null, buffered: 0 }), Number.POSITIVE_INFINITY);
});
