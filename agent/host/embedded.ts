import { createServer, type Socket } from 'node:net';

/** A broker inside this process, on loopback: for trying things out. It forgets everything when it ends. */
export interface EmbeddedBroker {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts it on `port` of loopback (0: any free one). Rejects if the port is taken. The library is loaded only here. */
export async function startEmbedded(port = 0): Promise<EmbeddedBroker> {
  const { Aedes } = await import('aedes');
  const sockets = new Set<Socket>();
  const server = createServer();
  // The port first: a broker that was made and then has none would go on ticking.
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const made = listening.then(() => Aedes.createBroker());
  server.on('connection', async (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    (await made).handle(socket);
  });
  const broker = await made;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the embedded broker has no port');
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    async close() {
      await new Promise<void>((resolve) => broker.close(resolve));
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
