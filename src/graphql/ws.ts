import type { IncomingMessage } from 'node:http';
import type { Socket as TcpConnection } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  type OperationTypeNode,
} from 'graphql';
import {
  CloseCode,
  handleProtocols,
  makeServer,
  type SubscribePayload,
  type Context as WsContext,
} from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { SignalingError } from '../signaling/errors.ts';
import type { Log } from '../signaling/log.ts';
import type { Signaling } from '../signaling/signaling.ts';
import { type Authenticate, bearerToken } from './auth.ts';
import { type MaskError, withoutStatus } from './errors.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Plans } from './plan.ts';
import { enter } from './stream.ts';
import { WsConnection } from './ws-connection.ts';
import { WsDoor } from './ws-door.ts';
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

/** A connection as graphql-ws knows it, with ours in `extra`. */
type Connection = WsContext<Record<string, unknown>, WsConnection>;

type Server = ReturnType<typeof makeServer<Record<string, unknown>, WsConnection>>;

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
  const server = makeServer<Record<string, unknown>, WsConnection>({
    // Its own would be a timer for each connection; the heartbeat looks after those that say nothing.
    connectionInitWaitTimeout: 0,
    onConnect: (connection) => connect(parts, connection),
    onSubscribe: (connection, id, payload) => prepare(parts, connection, id, payload),
    subscribe: (operation) => open(parts, operation),
    execute: (operation) => run(parts, operation),
  });

  return {
    upgrade: (request, connection, head) => {
      const tcp = request.socket;
      wss.handleUpgrade(request, connection, head, (ws) => serve(parts, server, ws, tcp));
    },
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

function serve({ heartbeat, log }: WsParts, server: Server, ws: WebSocket, tcp: TcpConnection): void {
  const connection = new WsConnection(ws, tcp);
  const closed = server.opened(
    {
      protocol: connection.protocol,
      send: (data) => connection.send(data),
      close: (code, reason) => connection.close(code, reason),
      onMessage: (receive) => {
        ws.on('message', (data) => {
          receive(String(data)).catch((error: unknown) => {
            log.error({ error }, 'a WebSocket message could not be handled');
            connection.close(CloseCode.InternalServerError, 'Internal server error');
          });
        });
      },
    },
    connection,
  );
  heartbeat.add(connection);
  ws.on('pong', () => connection.pong());
  // Nothing to add to what `close` tells; without a listener it would end the process.
  ws.on('error', () => {});
  ws.once('close', (code, reason) => {
    heartbeat.delete(connection);
    for (const door of connection.doors) door.leave();
    closed(code, String(reason)).catch((error: unknown) =>
      log.error({ error }, 'a WebSocket could not be closed'),
    );
  });
}

/** A token that is not accepted closes the connection (4403), so that clients come back with a fresh one. */
async function connect({ authenticate }: WsParts, connection: Connection): Promise<boolean> {
  connection.extra.greeted = true;
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
    const kind = kindOf(document, operationName);
    if (kind === 'subscription')
      stream = new WsDoor(parts.signaling, connection.extra, id, parts.plans.acquire(request));
    const contextValue = await enveloped.contextFactory({ token, door: stream });
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

/** Throws what Yoga answers over HTTP when it is not clear which operation is meant. */
function kindOf(document: DocumentNode, operationName: string | null | undefined): OperationTypeNode {
  const operation = getOperationAST(document, operationName);
  if (operation) return operation.operation;
  throw new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  });
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
  // graphql-ws keeps the operation as long as the subscription; what only its beginning needed may go.
  operation.contextValue = undefined;
  operation.variableValues = undefined;
  if (errors.length === 0) return stream;
  stream.leave();
  return { errors };
}
