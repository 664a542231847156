import type { IncomingMessage, ServerResponse } from 'node:http';

/** Who may call from a browser. */
export interface OriginRules {
  /** Other origins whose pages may call; `*` for all. */
  readonly corsOrigins: readonly string[];
  /** Serve only requests that name this machine itself: keeps other sites' names from being pointed at it. */
  readonly localOnly: boolean;
}

/** Why a request is not served at all, as a status line; undefined when it is. */
export function refusalOf(rules: OriginRules, request: IncomingMessage): string | undefined {
  const { host, origin } = request.headers;
  if (rules.localOnly && !isLocal(`http://${host}`)) return '403 Forbidden';
  return origin === undefined || isAllowed(rules, request, origin) ? undefined : '403 Forbidden';
}

/** Pages of our own, of the origins configured, and in development of any server on this machine. */
function isAllowed(rules: OriginRules, request: IncomingMessage, origin: string): boolean {
  if (rules.corsOrigins.includes('*') || rules.corsOrigins.includes(origin)) return true;
  if (rules.localOnly && isLocal(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.host;
}

function isLocal(origin: string): boolean {
  return URL.canParse(origin) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(origin).hostname);
}

/** Tokens travel in a header, never in a cookie, so a page that may call gains nothing that its user did not give it. */
export function allowOrigin(rules: OriginRules, request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  response.setHeader('vary', 'origin');
  if (origin === undefined || !isAllowed(rules, request, origin)) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-headers', 'authorization, content-type, last-event-id');
  response.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS');
  response.setHeader('access-control-max-age', '600');
}
