import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a sender asks of every peer: one signal to all who listen to a topic, except one socket. */
export interface Publication {
  readonly topic: string;
  /** The sender's own socket. */
  readonly except: string;
  readonly type: string;
  readonly payload: unknown;
}

/** How often each connection is pinged: the service's own period, unless the bench says otherwise. */
export const pingMs = Number(process.env['PING_MS'] ?? 14_000);

export const redisUrl = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';

const epoch = randomBytes(6).toString('hex');

/** A signal with the fields that the service's subscribers select, and values as long as the service's own. */
export function signalOf({ type, payload }: Publication) {
  const id = `sig_${randomBytes(16).toString('base64url')}`;
  const cursor = `${epoch}:${Math.floor((performance.timeOrigin + performance.now()) * 1000)}`;
  return { __typename: 'HubNotification', id, cursor, type, payload };
}

/** A signal as bytes of the size that the service sends over WebSocket, operation id included. */
export function frameOf(publication: Publication): string {
  const id = '00000000-0000-4000-8000-000000000000';
  return JSON.stringify({ id, type: 'next', payload: { data: { incomingSignal: signalOf(publication) } } });
}

/** The topics that a client names in its address: `/?topic=hub:a&topic=user:b`. */
export function topicsOf(request: IncomingMessage): string[] {
  return new URL(request.url ?? '/', 'http://peer').searchParams.getAll('topic');
}

/** Whether a client will publish on its socket: `/?topic=user:b&speaks`. */
export function speaks(request: IncomingMessage): boolean {
  return new URL(request.url ?? '/', 'http://peer').searchParams.has('speaks');
}

export function newSocketId(): string {
  return `sock_${randomBytes(16).toString('base64url')}`;
}

/** An HTTP server whose `POST /publish` is answered when the signal is out. */
export function createPublishServer(publish: (publication: Publication) => Promise<unknown>): Server {
  return createServer((request, response) => {
    serve(request, response, publish).catch((error: unknown) => {
      process.stderr.write(`${error}\n`);
      response.writeHead(500).end();
    });
  });
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  publish: (publication: Publication) => Promise<unknown>,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  await publish(JSON.parse(Buffer.concat(chunks).toString()));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '2' }).end('{}');
}

/** Listens on a free port of this machine and says where, as the bench expects of every server. */
export function announce(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`serves at http://127.0.0.1:${port}\n`);
  });
}
