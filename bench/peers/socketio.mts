import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { announce, createPublishServer, pingMs, redisUrl, signalOf } from './common.mts';

/*
 * Socket.IO as its pages on performance and on Redis advise: WebSocket only, no compression, the request released, and
 * the adapter named on the command line: `classic`, `sharded` or `streams` (the only one that can recover).
 */

const kind = process.argv[2] ?? 'classic';

const io = new Server({
  transports: ['websocket'],
  perMessageDeflate: false,
  serveClient: false,
  pingInterval: pingMs,
  pingTimeout: 20_000,
  adapter: adapterOf(kind),
  ...(kind === 'streams' && { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } }),
});

function adapterOf(name: string) {
  // The streams adapter reads replies in the shape that they had before RESP3.
  if (name === 'streams') return createStreamsAdapter(new Redis(redisUrl, { protocol: 2 }));
  const publisher = new Redis(redisUrl);
  const subscriber = publisher.duplicate();
  return name === 'sharded'
    ? createShardedAdapter(publisher, subscriber)
    : createAdapter(publisher, subscriber);
}

const server = createPublishServer(async (publication) => {
  io.to(publication.topic).except(publication.except).emit('signal', signalOf(publication));
});
io.attach(server);

io.engine.on('connection', (socket: { request: unknown }) => {
  socket.request = null;
});

io.on('connection', async (socket) => {
  const { topics } = socket.handshake.auth as { topics: string[] };
  await socket.join(topics);
  socket.emit('ready', { socketId: socket.id });
});

announce(server);
