import type { IncomingMessage } from 'node:http';

/** The parameters of a GraphQL-over-HTTP request. */
export interface Params {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly extensions?: object | null;
}

const knownParams: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions']);

/** The parameters of a request whose body was read; undefined for what Yoga should look at (and refuse) itself. */
export function paramsOf(request: IncomingMessage & { body?: Buffer }): Params | undefined {
  try {
    const params: unknown = request.body ? JSON.parse(request.body.toString()) : queryParams(request);
    return isParams(params) ? params : undefined;
  } catch {
    return undefined;
  }
}

function queryParams(request: IncomingMessage): object {
  const { query, operationName, variables } = Object.fromEntries(urlOf(request).searchParams);
  return { query, operationName, variables: variables ? JSON.parse(variables) : undefined };
}

function isParams(value: unknown): value is Params {
  if (typeof value !== 'object' || value === null) return false;
  const { query, operationName, variables, extensions } = value as Record<string, unknown>;
  return (
    typeof query === 'string' &&
    typeof (operationName ?? '') === 'string' &&
    isObject(variables ?? {}) &&
    isObject(extensions ?? {}) &&
    Object.entries(value).every(([name, given]) => given === null || knownParams.has(name))
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value);
}

/** The whole body; undefined as soon as it is known to be longer than allowed. */
export function readBody(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const declared = Number(request.headers['content-length'] ?? 0);
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise<Buffer | undefined>((resolve, reject) => {
    if (declared > most) resolve(undefined);
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= most) chunks.push(chunk);
      else resolve(undefined);
    });
    request.on('end', () => {
      resolve(Buffer.concat(chunks));
      // A stream's request lasts for hours: what it was read with may go.
      for (const event of ['data', 'end', 'error']) request.removeAllListeners(event);
    });
    request.on('error', reject);
  });
}

/** The ticket in the address of a GET request, which stands for a token. */
export function ticketOf(request: IncomingMessage): string | undefined {
  if (request.method !== 'GET' || request.headers.authorization !== undefined) return undefined;
  return urlOf(request).searchParams.get('ticket') ?? undefined;
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://service');
}

/** An address that is a path in its simplest form, as nearly all are: there is nothing to work out. */
const plainPath = /^\/[\w-]*$/;

/** The path that is asked for; empty when the address makes no sense. */
export function pathOf(request: IncomingMessage): string {
  if (request.url !== undefined && plainPath.test(request.url)) return request.url;
  return URL.canParse(request.url ?? '/', 'http://service') ? urlOf(request).pathname : '';
}
