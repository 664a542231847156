import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
  getOperationAST,
} from 'graphql';
import {
  CloseCode,
  handleProtocols,
  makeServer,
  type SubscribePayload,
  type Context as WsContext,
} from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Log } from '../signaling/log.ts';
import type { Signaling } from '../signaling/signaling.ts';
import { type Authenticate, bearerToken } from './auth.ts';
import { type MaskError, withoutStatus } from './errors.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Plans } from './plan.ts';
import { enter } from './stream.ts';
import { createWsDoor, type WsDoor } from './ws-door.ts';
import type { Yoga } from './yoga.ts';

export interface WsParts {
  readonly signaling: Signaling;
  readonly yoga: Yoga;
  readonly plans: Plans;
  readonly authenticate: Authenticate;
  readonly mask: MaskError;
  readonly heartbeat: Heartbeat;
  readonly log: Log;
}

export interface WsServer {
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void;
  /** Resolves when every WebSocket has closed. */
  stop(): Promise<void>;
}

/** What we keep of one connection. */
interface Extra {
  readonly ws: WebSocket;
  /** Its open and opening subscriptions. */
  readonly doors: Set<WsDoor>;
  token: string | undefined;
}

type Connection = WsContext<Record<string, unknown>, Extra>;

/** An operation on its way through graphql-ws; a subscription brings its door. */
type Operation = ExecutionArgs & { readonly stream?: WsDoor };

/** GraphQL over WebSocket, in the protocol `graphql-transport-ws`. */
export function createWsServer(parts: WsParts): WsServer {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: parts.signaling.limits.bodyBytes,
    perMessageDeflate: false,
    handleProtocols,
  });
  const server = makeServer<Record<string, unknown>, Extra>({
    onConnect: (connection) => connect(parts, connection),
    onSubscribe: (connection, id, payload) => prepare(parts, connection, id, payload),
    subscribe: (operation) => open(parts, operation),
    execute: (operation) => run(parts, operation),
  });

  wss.on('connection', (ws) => serve(parts, server, ws));

  return {
    upgrade: (request, connection, head) =>
      wss.handleUpgrade(request, connection, head, (ws) => wss.emit('connection', ws, request)),
    async stop() {
      const closed = [...wss.clients].map((ws) => new Promise((resolve) => ws.once('close', resolve)));
      for (const ws of wss.clients) ws.close(1001, 'Going away');
      const giveUp = setTimeout(() => {
        for (const ws of wss.clients) ws.terminate();
      }, 1000);
      await Promise.all(closed);
      clearTimeout(giveUp);
    },
  };
}

function serve(
  parts: WsParts,
  server: ReturnType<typeof makeServer<Record<string, unknown>, Extra>>,
  ws: WebSocket,
): void {
  const beating = createBeating(ws);
  const doors = new Set<WsDoor>();
  const closed = server.opened(
    {
      protocol: ws.protocol,
      send: (data) => send(ws, data),
      close: (code, reason) => ws.close(code, reason),
      onMessage: (receive) => {
        ws.on('message', (data) => {
          receive(String(data)).catch((error: unknown) => {
            parts.log.error({ error }, 'a WebSocket message could not be handled');
            ws.close(CloseCode.InternalServerError, 'Internal server error');
          });
        });
      },
    },
    { ws, doors, token: undefined },
  );
  parts.heartbeat.add(beating);
  ws.on('pong', beating.pong);
  // Nothing to add to what `close` tells; without a listener it would end the process.
  ws.on('error', () => {});
  ws.once('close', (code, reason) => {
    parts.heartbeat.delete(beating);
    for (const door of doors) door.leave();
    closed(code, String(reason)).catch((error: unknown) =>
      parts.log.error({ error }, 'a WebSocket could not be closed'),
    );
  });
}

function send(ws: WebSocket, data: string): Promise<void> {
  // A client that is gone needs no answer, and its leaving is no error.
  return new Promise((resolve) => (ws.readyState === ws.OPEN ? ws.send(data, () => resolve()) : resolve()));
}

function createBeating(ws: WebSocket) {
  let alive = true;
  return {
    ping() {
      alive = false;
      ws.ping();
    },
    pong() {
      alive = true;
    },
    expectPong() {
      if (!alive) ws.terminate();
    },
  };
}

/** A token that is not accepted closes the connection (4403), so that clients come back with a fresh one. */
async function connect({ authenticate }: WsParts, connection: Connection): Promise<boolean> {
  const { authorization, Authorization } = connection.connectionParams ?? {};
  const header = authorization ?? Authorization;
  if (header === undefined) return true;
  connection.extra.token = bearerToken(header);
  try {
    await authenticate(connection.extra.token ?? '');
    return true;
  } catch {
    return false;
  }
}

/** Parses, validates and brings the context. What is wrong with one operation ends that operation only. */
async function prepare(
  parts: WsParts,
  connection: Connection,
  id: string,
  { query, operationName, variables }: SubscribePayload,
): Promise<Operation | readonly GraphQLError[]> {
  const { token } = connection.extra;
  let stream: WsDoor | undefined;
  try {
    const params = { query, operationName: operationName ?? undefined, variables: variables ?? undefined };
    const enveloped = parts.yoga.getEnveloped({ token, params });
    const document = enveloped.parse(query);
    const errors = enveloped.validate(enveloped.schema, document) as readonly GraphQLError[];
    if (errors.length > 0) return errors.map((error) => withoutStatus(parts.mask(error)));
    const request = { document, operationName, variables };
    const isStream = getOperationAST(document, operationName)?.operation === 'subscription';
    if (isStream) stream = createWsDoor(parts.signaling, connection.extra, id, parts.plans.acquire(request));
    const contextValue = await enveloped.contextFactory({ token, door: stream?.door });
    return {
      schema: enveloped.schema,
      document,
      operationName,
      variableValues: variables,
      contextValue,
      ...(stream && { stream }),
    };
  } catch (error) {
    stream?.leave();
    return [withoutStatus(parts.mask(error))];
  }
}

async function run({ mask }: WsParts, operation: ExecutionArgs): Promise<ExecutionResult> {
  const result = await execute(operation);
  return result.errors ? { ...result, errors: result.errors.map(mask) } : result;
}

/** Opens the socket, and gives graphql-ws an iterator that only ends: the signals go past it. */
async function open(
  { mask }: WsParts,
  operation: Operation,
): Promise<AsyncGenerator<never> | ExecutionResult> {
  const { stream } = operation;
  if (!stream) throw new Error('A subscription came in without a door.');
  const errors = await enter(operation, mask);
  if (errors.length === 0) return stream.ending;
  stream.leave();
  return { errors };
}
