import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { listenDocument, type Received, type Transport } from './listen.ts';

/*
 * Clients without a library between the test and the wire, where the wire itself is what a test looks at, and where it
 * opens sockets by the hundred.
 */

/** How long anything here may take before the test fails, in milliseconds. */
const patienceMs = 5000;

/** Waits until a condition holds; looks every few milliseconds. For what has no event to wait for. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`this did not come about within 5 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Lets the event loop turn this many times. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The service's end of a client's connection, by the client's port: it runs in this process. */
export function otherEnd(port: number | undefined): Socket {
  const found = connectionFrom(port);
  if (!found) throw new Error('there is no such connection');
  return found;
}

export function hasOtherEnd(port: number | undefined): boolean {
  return connectionFrom(port) !== undefined;
}

function connectionFrom(port: number | undefined): Socket | undefined {
  const handles = (process as unknown as { _getActiveHandles(): Partial<Socket>[] })._getActiveHandles();
  return handles.find(({ remotePort }) => remotePort === port) as Socket | undefined;
}

/** Rejects when a promise takes too long, and says what was waited for. */
export async function within<Value>(what: string, promise: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`this did not come within 5 s: ${what}`)), patienceMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** One TCP connection to a node. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything that was received. */
  readonly text: string;
  /** Waits until that contains something. */
  contains(part: string | RegExp): Promise<string>;
  /** Resolves when the other side, or an error, has ended it. */
  readonly closed: Promise<void>;
}

export function rawConnection(url: string, allowHalfOpen = false): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => {});
  const closed = once(socket, 'end').then(
    () => {},
    () => {},
  );
  onTestFinished(() => void socket.destroy());
  return {
    socket,
    closed: Promise.race([closed, once(socket, 'close').then(() => {})]),
    get text() {
      return text;
    },
    async contains(part) {
      const found = () => (typeof part === 'string' ? text.includes(part) : part.test(text));
      await until(`${part} in ${JSON.stringify(text.slice(0, 500))}`, found);
      return text;
    },
  };
}

/** Sends one HTTP request as text. A body brings its length, unless the headers say something about it. */
export function rawRequest(
  url: string,
  line: string,
  headers: Record<string, string> = {},
  body = '',
): RawConnection {
  const connection = rawConnection(url);
  connection.socket.write(requestText(url, line, headers, body));
  return connection;
}

export function requestText(
  url: string,
  line: string,
  headers: Record<string, string> = {},
  body = '',
): string {
  const given = Object.keys(headers).map((name) => name.toLowerCase());
  const all = {
    ...(!given.includes('host') && { host: new URL(url).host }),
    ...(body &&
      !given.includes('content-length') &&
      !given.includes('transfer-encoding') && { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line}\r\n${lines.join('')}\r\n${body}`;
}

/** The headers of a subscription over server-sent events. */
export function sseHeaders(token: string | undefined): Record<string, string> {
  return {
    accept: 'text/event-stream',
    'content-type': 'application/json',
    ...(token && { authorization: `Bearer ${token}` }),
  };
}

/** Sends a subscription over server-sent events, and shows what comes back. */
export function rawSse(
  url: string,
  token: string | undefined,
  params: { query?: string; variables?: object } = {},
  version = '1.1',
): RawConnection {
  const body = JSON.stringify({ query: listenDocument, ...params });
  return rawRequest(url, `POST /graphql HTTP/${version}`, sseHeaders(token), body);
}

const openWebSockets = new Set<WebSocket>();

/** Keeps nothing of a WebSocket that has closed before: some tests look at the heap. */
function endWithTest(ws: WebSocket): void {
  openWebSockets.add(ws.on('error', () => {}).on('close', () => openWebSockets.delete(ws)));
  onTestFinished(endWebSockets);
}

function endWebSockets(): void {
  for (const ws of openWebSockets) ws.terminate();
}

/** A WebSocket whose client speaks the protocol itself. */
export interface RawWs {
  readonly ws: WebSocket;
  send(message: object | string): void;
  /** The next message that was not taken yet. */
  next(): Promise<Received>;
  /** Takes messages until one is of this type, for one operation if given. */
  nextOf(type: string, id?: string): Promise<Received>;
  subscribe(id: string, query: string, variables?: object): void;
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** A WebSocket that is open; connection_init has yet to be sent. */
export async function rawWs(
  url: string,
  protocol = 'graphql-transport-ws',
  options: ClientOptions = {},
): Promise<RawWs> {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocol ? [protocol] : [], options);
  const messages: Received[] = [];
  let taken = 0;
  ws.on('message', (data) => messages.push(JSON.parse(String(data))));
  const closed = once(ws, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
  endWithTest(ws);
  await within('the WebSocket to open', Promise.race([once(ws, 'open'), closed]));

  const send = (message: object | string): void =>
    ws.send(typeof message === 'string' ? message : JSON.stringify(message));

  async function next(): Promise<Received> {
    if (messages.length <= taken)
      await within('a WebSocket message', Promise.race([once(ws, 'message'), closed]));
    if (messages.length <= taken) throw new Error(`the WebSocket closed: ${JSON.stringify(await closed)}`);
    return messages[taken++];
  }

  async function nextOf(type: string, id?: string): Promise<Received> {
    for (;;) {
      const message = await next();
      if (message.type === type && (id === undefined || message.id === id)) return message;
    }
  }

  return {
    ws,
    send,
    next,
    nextOf,
    closed,
    subscribe: (id, query, variables) => send({ id, type: 'subscribe', payload: { query, variables } }),
  };
}

/** A WebSocket on which operations may be sent. */
export async function signedInWs(
  url: string,
  token: string | undefined,
  options: ClientOptions = {},
): Promise<RawWs> {
  const raw = await rawWs(url, 'graphql-transport-ws', options);
  raw.send({ type: 'connection_init', ...(token && { payload: { authorization: `Bearer ${token}` } }) });
  await raw.nextOf('connection_ack');
  return raw;
}

/** One user's client, which opens sockets at little cost: over WebSocket all on one connection. */
export interface Client {
  open(variables?: object, query?: string): Stream;
  /** Breaks everything off, as a client does that loses its network. */
  abort(): void;
}

export interface Stream {
  /** All signals so far. */
  readonly received: readonly Received[];
  /** Waits for the first signal, of all of them, that meets a condition. */
  first(what: string, condition: (signal: Received) => boolean): Promise<Received>;
  readonly ready: Promise<Received>;
  /** Leaves in good order. */
  close(): void;
  readonly ended: Promise<void>;
}

export async function openClient(transport: Transport, url: string, token: string): Promise<Client> {
  return transport === 'sse' ? sseClient(url, token) : wsClient(url, token);
}

const shortDocument = `subscription ($deviceId: ID, $after: String, $hubIds: [ID!]) {
  incomingSignal(deviceId: $deviceId, after: $after, hubIds: $hubIds) { __typename id cursor ... on SocketReady { socketId } }
}`;

/** What a stream received, and who waits for what. */
function createInbox() {
  const received: Received[] = [];
  const ended = Promise.withResolvers<void>();
  let waiting: { condition: (signal: Received) => boolean; resolve: (signal: Received) => void }[] = [];

  function take(payload: { data?: Received; errors?: unknown }): void {
    const signal = payload.errors ? { __typename: 'Refused', ...payload } : payload.data.incomingSignal;
    received.push(signal);
    const [met, rest] = [true, false].map((holds) =>
      waiting.filter(({ condition }) => condition(signal) === holds),
    );
    waiting = rest ?? [];
    for (const { resolve } of met ?? []) resolve(signal);
  }

  function first(what: string, condition: (signal: Received) => boolean): Promise<Received> {
    const known = received.find(condition);
    if (known) return Promise.resolve(known);
    const { promise, resolve } = Promise.withResolvers<Received>();
    waiting.push({ condition, resolve });
    return within(what, promise);
  }

  return { received, ended, take, first };
}

function streamOf({ received, ended, first }: ReturnType<typeof createInbox>, close: () => void): Stream {
  return {
    received,
    first,
    ended: ended.promise,
    close,
    get ready() {
      return first('SocketReady', ({ __typename }) => __typename === 'SocketReady');
    },
  };
}

function sseClient(url: string, token: string): Client {
  const streams = new Set<Stream>();
  return {
    open(variables = {}, query = shortDocument) {
      const inbox = createInbox();
      const request = httpRequest(`${url}/graphql`, {
        method: 'POST',
        headers: sseHeaders(token),
        agent: false,
      });
      let rest = '';
      request.on('response', (response) => {
        response.setEncoding('utf8').on('data', (chunk: string) => {
          const events = (rest + chunk).split('\n\n');
          rest = events.pop() ?? '';
          for (const event of events) {
            const data = /^event: next\n(?:id: .*\n)?(?:retry: .*\n)?data: (.*)$/.exec(event)?.[1];
            if (data) inbox.take(JSON.parse(data));
          }
        });
        response.on('error', () => {});
      });
      request.on('error', () => {});
      request.on('close', () => inbox.ended.resolve());
      request.end(JSON.stringify({ query, variables }));
      const stream = streamOf(inbox, () => void request.destroy());
      streams.add(stream);
      void stream.ended.then(() => streams.delete(stream));
      return stream;
    },
    abort() {
      for (const stream of streams) stream.close();
    },
  };
}

async function wsClient(url: string, token: string): Promise<Client> {
  const connection = await multiplexed(url, token);
  return {
    open(variables = {}, query = shortDocument) {
      const inbox = createInbox();
      const leave = connection.start({ query, variables }, inbox.take, inbox.ended.resolve);
      return streamOf(inbox, leave);
    },
    abort: connection.abort,
  };
}

/** Sends mutations one after the other on one connection, at a fraction of what a request costs. */
export async function openSender(url: string, token: string) {
  const connection = await multiplexed(url, token);
  return (query: string, variables: object): Promise<Received> =>
    within(
      'an answer over WebSocket',
      new Promise((resolve, reject) => {
        const take = ({ data, errors }: { data?: Received; errors?: unknown }) =>
          errors ? reject(new Error(JSON.stringify(errors))) : resolve(data);
        connection.start({ query, variables }, take, () => reject(new Error('the WebSocket closed')));
      }),
    );
}

type Take = (payload: { data?: Received; errors?: unknown }) => void;

/** Many operations on one WebSocket. */
async function multiplexed(url: string, token: string) {
  const ws = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const operations = new Map<string, { take: Take; end: () => void }>();
  const acknowledged = Promise.withResolvers<void>();
  let started = 0;

  const send = (message: object): void => {
    if (ws.readyState === ws.OPEN) ws.send(JSON.stringify(message));
  };

  function leave(id: string): void {
    operations.get(id)?.end();
    if (operations.delete(id)) send({ id, type: 'complete' });
  }

  function start(payload: object, take: Take, end: () => void): () => void {
    const id = String(++started);
    operations.set(id, { take, end });
    send({ id, type: 'subscribe', payload });
    return () => leave(id);
  }

  ws.on('message', (data) => {
    const { type, id, payload } = JSON.parse(String(data));
    if (type === 'connection_ack') acknowledged.resolve();
    if (type === 'next') operations.get(id)?.take(payload);
    if (type === 'error') operations.get(id)?.take({ errors: payload });
    if (type === 'complete' || type === 'error') {
      operations.get(id)?.end();
      operations.delete(id);
    }
  });
  ws.on('close', () => {
    for (const { end } of operations.values()) end();
  });
  endWithTest(ws);
  await within('the WebSocket to open', once(ws, 'open'));
  send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  await within('connection_ack', acknowledged.promise);
  return { start, abort: () => ws.terminate() };
}
