import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { SignalingError } from '../signaling/errors.ts';
import type { Log } from '../signaling/log.ts';
import type { Signaling } from '../signaling/signaling.ts';
import type { Redeemed } from '../signaling/ticket.ts';
import { bearerToken } from './auth.ts';
import type { ServeDemo } from './demo.ts';
import type { ServeGraphiql } from './graphiql.ts';
import { type OperationParts, prepareRunnable, serveOperation } from './operation.ts';
import { allowOrigin, type OriginRules, refusalOf } from './origins.ts';
import type { Plans } from './plan.ts';
import { type Params, paramsOf, pathOf, readBody, ticketOf } from './request.ts';
import { resumeOfHeaders, resumeOfTicket } from './resume.ts';
import { type SseParts, serveSse } from './sse.ts';
import type { WsServer } from './ws.ts';
import type { Yoga } from './yoga.ts';

export interface HttpParts extends SseParts, OriginRules, OperationParts {
  readonly signaling: Signaling;
  readonly yoga: Yoga;
  readonly plans: Plans;
  readonly ws: WsServer;
  readonly graphiql: ServeGraphiql | undefined;
  readonly demo: ServeDemo | undefined;
  readonly log: Log;
}

/** The one HTTP server: GraphQL, its live streams, its page, and what load balancers ask. */
export function createHttpServer(parts: HttpParts): Server {
  const server = createServer({ shouldUpgradeCallback: wantsWebSocket }, (request, response) => {
    route(parts, request, response).catch((error: unknown) => {
      // The client broke off in the middle of its request.
      if (request.destroyed && !request.complete) return;
      parts.log.error({ error, path: pathOf(request) }, 'a request could not be served');
      if (response.headersSent) response.destroy();
      else answer(response, 500, 'INTERNAL_SERVER_ERROR', 'Something went wrong on our side.');
    });
  });
  // A slow client may not hold a connection open for ever by sending its request byte by byte.
  server.headersTimeout = 15_000;
  server.requestTimeout = 30_000;
  server.on('upgrade', (request, connection, head) => {
    const refused = upgradeRefusal(parts, request);
    if (refused) refuseUpgrade(connection, refused);
    else void parts.ws.upgrade(request, connection, head);
  });
  return server;
}

function upgradeRefusal(parts: HttpParts, request: IncomingMessage): string | undefined {
  if (pathOf(request) !== '/graphql') return '404 Not Found';
  const refused = refusalOf(parts, request);
  return refused ?? (parts.signaling.draining() ? '503 Service Unavailable\r\nretry-after: 1' : undefined);
}

/** Some clients offer HTTP/2 with every request (Java's does); they are answered over HTTP/1.1. */
function wantsWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** Node has let go of the connection by now: nobody else listens to its errors, or closes it. */
function refuseUpgrade(connection: Duplex, status: string): void {
  connection.on('error', () => {});
  connection.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`, () => connection.destroy());
}

async function route(parts: HttpParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (refusalOf(parts, request))
    return answer(response, 403, 'FORBIDDEN', 'This host or origin is not served.');
  // Before pages of other origins are let in: this one may carry tokens, and nobody else is to read it.
  if (parts.demo && mayBePage(request) && (await parts.demo(request, response))) return;
  allowOrigin(parts, request, response);
  if (request.method === 'OPTIONS') return void response.writeHead(204).end();
  switch (pathOf(request)) {
    case '/graphql':
      return serveGraphql(parts, request, response);
    case '/health':
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
    case '/ready':
      return serveReady(parts, response);
    case '/':
      if (parts.graphiql) return void response.writeHead(302, { location: '/graphql' }).end();
      break;
  }
  answer(response, 404, 'NOT_FOUND', 'There is nothing here. The API is at /graphql.');
}

function mayBePage(request: IncomingMessage): boolean {
  const path = pathOf(request);
  return (
    (request.method === 'GET' || request.method === 'HEAD') && (path === '/' || path.startsWith('/demo/'))
  );
}

async function serveReady({ signaling, log }: HttpParts, response: ServerResponse): Promise<void> {
  if (signaling.draining()) return answer(response, 503, 'UNAVAILABLE', 'This node is stopping.');
  try {
    await signaling.ready();
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ready"}');
  } catch (error) {
    log.warn({ error }, 'not ready');
    answer(response, 503, 'UNAVAILABLE', 'The store is not available.');
  }
}

async function serveGraphql(
  parts: HttpParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const accept = request.headers.accept ?? '';
  if (request.method === 'GET' && accept.includes('text/html')) {
    if (parts.graphiql) return parts.graphiql(request, response);
    return answer(
      response,
      406,
      'BAD_REQUEST',
      'This is an API for programs; GRAPHIQL=on adds a page for people.',
    );
  }
  if (request.method === 'POST') {
    const body = await readBody(request, parts.signaling.limits.bodyBytes);
    if (!body)
      return answer(
        response,
        413,
        'PAYLOAD_TOO_LARGE',
        `A body has at most ${parts.signaling.limits.bodyBytes} bytes.`,
      );
    if (body.length === 0) return answer(response, 400, 'BAD_USER_INPUT', 'The body is empty.');
    // Yoga takes a body that was read already from here.
    Object.assign(request, { body });
  }
  const serve = mayStream(request) ? serveStream : request.method === 'POST' ? serveOperation : undefined;
  const params = serve && paramsOf(request);
  if (!params || !(await serve(parts, request, response, params))) await parts.yoga(request, response);
}

function mayStream({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'POST') && (headers.accept ?? '').includes('text/event-stream');
}

/** Serves a valid subscription itself; false leaves everything else, invalid requests included, to Yoga. */
async function serveStream(
  parts: HttpParts,
  request: IncomingMessage,
  response: ServerResponse,
  params: Params,
): Promise<boolean> {
  const token = bearerToken(request.headers.authorization);
  const prepared = prepareRunnable(parts.operations, params);
  if (prepared?.kind !== 'subscription') return false;
  if (!response.socket) {
    // It waits behind another response, and a stream would write to the connection past both.
    answer(response, 400, 'BAD_USER_INPUT', 'A stream cannot follow another request on its connection.');
    return true;
  }
  const { schema, document } = prepared;
  const operationName = params.operationName ?? undefined;
  const variables = params.variables ?? undefined;
  const plan = { document, operationName, variables };
  const ticket = ticketOf(request);
  const redeemed = ticket === undefined ? undefined : await redeem(parts, ticket);
  // The only answer after which an `EventSource` does not come back.
  if (redeemed instanceof SignalingError && redeemed.code === 'UNAUTHENTICATED') {
    answer(response, 401, redeemed.code, redeemed.message);
    return true;
  }
  // Who has left meanwhile would not be missed any more.
  if (response.closed) return true;
  const isRefused = redeemed instanceof SignalingError;
  const resume = {
    ...resumeOfHeaders(request.headers),
    ...(redeemed && !isRefused && resumeOfTicket(redeemed)),
  };
  const known = isRefused ? redeemed : redeemed?.identity;
  await serveSse(parts, request, response, parts.plans.acquire(plan), resume, async (door) => {
    const contextValue = await parts.operations.contextOf(token, { door, known });
    return { schema, document, operationName, variableValues: variables, contextValue };
  });
  return true;
}

async function redeem({ signaling }: HttpParts, ticket: string): Promise<Redeemed | SignalingError> {
  try {
    return await signaling.redeemTicket(ticket);
  } catch (error) {
    if (error instanceof SignalingError) return error;
    throw error;
  }
}

/** A refusal in the form of a GraphQL answer. */
function answer(response: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ errors: [{ message, extensions: { code, retryable: status === 503 } }] });
  const length = Buffer.byteLength(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length }).write(body);
  // Ended now, the connection might close on a client that still sends, which would then not read this.
  if (response.req.readableEnded) response.end();
  else response.req.resume().once('end', () => response.end());
}
