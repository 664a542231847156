import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from 'graphql';
import {
  CloseCode,
  handleProtocols,
  makeServer,
  type SubscribePayload,
  type Context as WsContext,
} from 'graphql-ws';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { SignalingError } from '../signaling/errors.ts';
import type { Log } from '../signaling/log.ts';
import type { Signaling } from '../signaling/signaling.ts';
import { createTurnstile } from '../signaling/turnstile.ts';
import { type Authenticate, bearerToken } from './auth.ts';
import { type MaskError, withoutStatus } from './errors.ts';
import type { Heartbeat } from './heartbeat.ts';
import { masked, type Operations, type Prepared } from './operation.ts';
import type { Plans } from './plan.ts';
import { resumeOfParams } from './resume.ts';
import type { SlowReaders } from './slow-readers.ts';
import { enter } from './stream.ts';
import { WsConnection } from './ws-connection.ts';
import { WsDoor } from './ws-door.ts';
import { closeAll } from './ws-leave.ts';

export interface WsParts {
  readonly signaling: Signaling;
  readonly operations: Operations;
  readonly plans: Plans;
  readonly authenticate: Authenticate;
  readonly mask: MaskError;
  readonly heartbeat: Heartbeat;
  readonly slowReaders: SlowReaders;
  readonly log: Log;
}

/** Who breaks off while they wait is gone. */
function ignore(): void {}

/** How many connections are greeted in one turn of the event loop. */
const greetingsPerTurn = 4;

export interface WsServer {
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void>;
  /** Closes every WebSocket once its operations are answered, for which it has so many milliseconds. */
  stop(patienceMs: number): Promise<void>;
}

/** A connection as graphql-ws knows it, with ours in `extra`. */
type Connection = WsContext<Record<string, unknown>, WsConnection>;

/** An operation on its way through graphql-ws; a subscription brings its door. */
type Operation = ExecutionArgs & {
  readonly connection: Connection;
  readonly id: string;
  readonly stream: WsDoor | undefined;
  /** What graphql-ws has under its id until the client completes it. */
  readonly entry: AsyncIterableIterator<never>;
};

/** GraphQL over WebSocket, in the protocol `graphql-transport-ws`. */
export function createWsServer(parts: WsParts): WsServer {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: parts.signaling.limits.bodyBytes,
    perMessageDeflate: false,
    // Its own answers would pile up behind a client that does not read them.
    autoPong: false,
    handleProtocols,
  });
  const server = makeServer<Record<string, unknown>, WsConnection>({
    // Its own would be a timer for each connection; the heartbeat looks after those that say nothing.
    connectionInitWaitTimeout: 0,
    onConnect: (connection) => connect(parts, connection),
    onSubscribe: (connection, id, payload) => admit(parts, connection, id, payload),
    subscribe: (operation) => open(parts, operation as Operation),
    execute: (operation) => run(parts, operation as Operation),
  });

  const connections = new Map<WebSocket, WsConnection>();
  const listen = listenersOf(parts, connections);
  const turnstile = createTurnstile(greetingsPerTurn);
  let isStopping = false;

  return {
    upgrade: async (request, tcp, head) => {
      tcp.on('error', ignore);
      await turnstile.pass();
      tcp.off('error', ignore);
      // Whoever still waited would be greeted when nobody is left to say goodbye.
      if (isStopping) return void tcp.destroy();
      wss.handleUpgrade(request, tcp, head, (ws) => {
        const connection = new WsConnection(ws, request.socket, parts.slowReaders);
        connections.set(ws, connection);
        connection.closed = server.opened(connection, connection);
        parts.heartbeat.add(connection);
        listen(ws);
      });
    },
    stop: (patienceMs) => {
      isStopping = true;
      return closeAll(connections, patienceMs);
    },
  };
}

/** One set of listeners for all connections, not one for each: there are thousands, and for hours. */
function listenersOf(
  { heartbeat, log }: WsParts,
  connections: Map<WebSocket, WsConnection>,
): (ws: WebSocket) => void {
  function onMessage(this: WebSocket, data: RawData): void {
    const connection = connections.get(this);
    connection?.receive(String(data)).catch((error: unknown) => {
      log.error({ error }, 'a WebSocket message could not be handled');
      connection.close(CloseCode.InternalServerError, 'Internal server error');
    });
  }

  function onPing(this: WebSocket, data: Buffer): void {
    connections.get(this)?.pinged(data);
  }

  function onPong(this: WebSocket): void {
    connections.get(this)?.pong();
  }

  function onClose(this: WebSocket, code: number, reason: Buffer): void {
    const connection = connections.get(this);
    if (!connection) return;
    connections.delete(this);
    heartbeat.delete(connection);
    for (const door of connection.doors) door.leave();
    connection
      .closed(code, String(reason))
      .catch((error: unknown) => log.error({ error }, 'a WebSocket could not be closed'));
  }

  /** `ws` closes by itself what breaks the protocol; `close` tells the rest. */
  function onError(this: WebSocket): void {
    connections.get(this)?.outbox.stopWritingNow();
  }

  return (ws) => {
    ws.on('message', onMessage).on('close', onClose).on('error', onError);
    ws.on('ping', onPing).on('pong', onPong);
  };
}

/** A token that is not accepted closes the connection (4403), so that clients come back with a fresh one. */
async function connect({ authenticate }: WsParts, connection: Connection): Promise<boolean> {
  connection.extra.greeted = true;
  connection.extra.operations = connection.subscriptions;
  connection.extra.resume = resumeOfParams(connection.connectionParams);
  const { authorization, Authorization } = connection.connectionParams ?? {};
  const header = authorization ?? Authorization;
  if (header === undefined) return true;
  connection.extra.token = bearerToken(header);
  try {
    await authenticate(connection.extra.token ?? '');
    return true;
  } catch (error) {
    // Keys that cannot be fetched say nothing about the token: each operation tries again.
    return error instanceof SignalingError && error.code === 'UNAVAILABLE';
  }
}

/** Parses, validates and brings the context. What is wrong with one operation ends that operation only. */
async function admit(
  parts: WsParts,
  connection: Connection,
  id: string,
  { query, operationName, variables }: SubscribePayload,
): Promise<Operation | readonly GraphQLError[]> {
  const { token } = connection.extra;
  let stream: WsDoor | undefined;
  // From now on `complete` ends it.
  let entry: Operation['entry'] = noDoor();
  connection.subscriptions[id] = entry;
  const refused = async (errors: readonly GraphQLError[]): Promise<readonly GraphQLError[]> => {
    // What came with it is known by then: it may be completed, and another one have its id.
    await undefined;
    return connection.subscriptions[id] === entry ? errors : unanswered();
  };
  try {
    checkOperationId(id);
    const params = { query, operationName: operationName ?? null, variables: variables ?? null };
    const { schema, document, errors, kind } = parts.operations.prepare(params);
    if (errors.length > 0) return await refused(errors.map((error) => withoutStatus(parts.mask(error))));
    requireKind(kind);
    if (kind === 'subscription') {
      checkDoors(parts, connection);
      const plan = parts.plans.acquire({ document, operationName, variables });
      stream = new WsDoor(parts.signaling, connection.extra, id, plan);
      entry = stream;
      connection.subscriptions[id] = entry;
    }
    const contextValue = await parts.operations.contextOf(token, {
      door: stream,
      renew: (next: string) => setToken(connection, next),
    });
    return {
      schema,
      document,
      operationName,
      variableValues: variables,
      contextValue,
      connection,
      id,
      stream,
      entry,
    };
  } catch (error) {
    stream?.leave();
    return refused([withoutStatus(parts.mask(error))]);
  }
}

function setToken({ extra }: Connection, token: string): void {
  extra.token = token;
}

/** Throws what Yoga answers over HTTP when it is not clear which operation is meant. */
function requireKind(kind: Prepared['kind']): void {
  if (kind) return;
  throw new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  });
}

/** Stands for an operation without a door: there is nothing to end. */
async function* noDoor(): AsyncGenerator<never> {}

/** The client has not completed it. */
function goesOn({ connection, id, entry }: Operation): boolean {
  return connection.subscriptions[id] === entry;
}

function checkOperationId(id: string): void {
  if (id.length <= 128) return;
  throw new SignalingError('BAD_USER_INPUT', "An operation's id has at most 128 characters.");
}

function checkDoors({ signaling }: WsParts, { extra }: Connection): void {
  const { socketsPerUser } = signaling.limits;
  if (extra.doors.length < socketsPerUser) return;
  throw new SignalingError('BAD_USER_INPUT', `A WebSocket carries at most ${socketsPerUser} sockets.`);
}

async function run({ mask }: WsParts, operation: Operation): Promise<ExecutionResult> {
  const result = await operation.connection.extra.during(() => execute(operation));
  if (!goesOn(operation)) return unanswered();
  return masked(result, mask);
}

/**
 * Stands for an answer that graphql-ws is not to get: to an operation that its client has completed, for it only looks at
 * ids, and would give the answer to the operation that has this one's id by then; and to a subscription that is open, for
 * it would keep all of the operation, 2 KB, as long as it waits for that to end. Never settles, and nobody has it.
 */
const unanswered = (): Promise<never> => new Promise(() => {});

/** Opens the socket. From then on its door has the subscription: signals go past graphql-ws, and so does its end. */
async function open({ mask }: WsParts, operation: Operation): Promise<ExecutionResult> {
  const { stream } = operation;
  if (!stream) throw new Error('A subscription came in without a door.');
  const errors = await operation.connection.extra.during(() => enter(operation, mask));
  if (!goesOn(operation) || errors.length === 0) return unanswered();
  stream.leave();
  return { errors };
}
