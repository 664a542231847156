import { Redis } from 'ioredis';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  announce,
  createPublishServer,
  newSocketId,
  pingMs,
  redisUrl,
  signalOf,
  topicsOf,
} from './common.mts';

/*
 * The way of the service that ours comes from: one channel for the whole installation, one PUBLISH per socket, each
 * awaited; every node reads every message and drops those that are for sockets of others.
 */

const channel = 'live';
const publisher = new Redis(redisUrl);
const subscriber = new Redis(redisUrl);
const sockets = new Map<string, WebSocket>();

const server = createPublishServer(async (publication) => {
  const data = signalOf(publication);
  for (const socketId of await publisher.smembers(publication.topic)) {
    if (socketId !== publication.except) await publisher.publish(channel, JSON.stringify({ socketId, data }));
  }
});
const wss = new WebSocketServer({ server, perMessageDeflate: false });

subscriber.on('message', (_channel: string, message: string) => {
  const { socketId, data } = JSON.parse(message);
  sockets.get(socketId)?.send(JSON.stringify(data));
});

wss.on('connection', (ws, request) => {
  const socketId = newSocketId();
  const topics = topicsOf(request);
  sockets.set(socketId, ws);
  ws.on('error', () => {});
  ws.on('close', () => {
    sockets.delete(socketId);
    for (const topic of topics) publisher.srem(topic, socketId).catch(() => {});
  });
  Promise.all(topics.map((topic) => publisher.sadd(topic, socketId))).then(
    () => ws.send(JSON.stringify({ type: 'ready', socketId })),
    () => ws.terminate(),
  );
});

setInterval(() => {
  for (const ws of sockets.values()) ws.ping();
}, pingMs);

await subscriber.subscribe(channel);
announce(server);
