import { Redis } from 'ioredis';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  announce,
  createPublishServer,
  frameOf,
  newSocketId,
  type Publication,
  pingMs,
  redisUrl,
  speaks,
  topicsOf,
} from './common.mts';

/*
 * The least that a Node server can do: a loop of `ws.send` over the sockets of a topic, one Redis channel per topic.
 * The message is sent as the Buffer that it came in, as the broadcast example of ws does. Clients whose address says that
 * they speak publish on their sockets too.
 */

interface Client {
  readonly ws: WebSocket;
  readonly socketId: string;
  alive: boolean;
}

const publisher = new Redis(redisUrl);
const subscriber = new Redis(redisUrl);
const listeners = new Map<string, Set<Client>>();
const clients = new Set<Client>();

const publish = (publication: Publication): Promise<number> =>
  publisher.publish(publication.topic, `${publication.except}\n${frameOf(publication)}`);

const server = createPublishServer(publish);
const wss = new WebSocketServer({ server, perMessageDeflate: false });

subscriber.on('messageBuffer', (channel: Buffer, message: Buffer) => {
  const end = message.indexOf('\n');
  const except = message.toString('latin1', 0, end);
  const frame = message.subarray(end + 1);
  for (const { ws, socketId } of listeners.get(channel.toString()) ?? []) {
    if (socketId !== except) ws.send(frame, { binary: false });
  }
});

wss.on('connection', (ws, request) => {
  const client: Client = { ws, socketId: newSocketId(), alive: true };
  const topics = topicsOf(request);
  clients.add(client);
  ws.on('pong', () => {
    client.alive = true;
  });
  ws.on('error', () => {});
  ws.on('close', () => leave(client, topics));
  if (speaks(request)) {
    ws.on('message', (data) => {
      publishFor(ws, String(data)).catch(() => ws.terminate());
    });
  }
  join(client, topics).catch(() => ws.terminate());
});

/** Answered when it is out. */
async function publishFor(ws: WebSocket, text: string): Promise<void> {
  const { id, ...publication } = JSON.parse(text) as Publication & { id: string };
  await publish(publication);
  ws.send(JSON.stringify({ done: id }));
}

async function join(client: Client, topics: readonly string[]): Promise<void> {
  const fresh = topics.filter((topic) => !listeners.has(topic));
  for (const topic of topics) listeners.set(topic, (listeners.get(topic) ?? new Set()).add(client));
  if (fresh.length > 0) await subscriber.subscribe(...fresh);
  client.ws.send(JSON.stringify({ type: 'ready', socketId: client.socketId }));
}

function leave(client: Client, topics: readonly string[]): void {
  clients.delete(client);
  for (const topic of topics) listeners.get(topic)?.delete(client);
}

setInterval(() => {
  for (const client of clients) {
    if (!client.alive) client.ws.terminate();
    client.alive = false;
    client.ws.ping();
  }
}, pingMs);

announce(server);
