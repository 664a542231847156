import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { serverAudits } from 'graphql-http';
import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import type { Node } from '../src/server.ts';
import { post } from './support/api.ts';
import {
  type RawConnection,
  rawConnection,
  rawRequest,
  rawSse,
  requestText,
  signedInWs,
  until,
} from './support/raw.ts';
import { startRedis } from './support/redis-server.ts';
import { randomPrefix, startService, tokenFor } from './support/service.ts';

interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request whose headers are exactly these; `fetch` lets nobody choose a Host or an Origin. */
function send(
  url: string,
  { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: object; body?: string } = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers: { ...headers }, agent: false });
    request.on('error', reject);
    request.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks),
      });
    });
    request.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const typename = JSON.stringify({ query: '{ __typename }' });

/** A node in development mode; its `.dev/` is in a folder of its own. */
async function startDevelopment(env: NodeJS.ProcessEnv = {}): Promise<Node> {
  const before = process.cwd();
  const folder = await mkdtemp(join(tmpdir(), 'development-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  process.chdir(folder);
  try {
    return await startService({ engine: 'memory', env: { AUTH_SECRET: '', ...env } });
  } finally {
    process.chdir(before);
  }
}

/** Asks for a WebSocket and shows what is answered. */
function upgrade(url: string, headers: Record<string, string> = {}, path = '/graphql'): RawConnection {
  return rawRequest(url, `GET ${path} HTTP/1.1`, {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'graphql-transport-ws',
    ...headers,
  });
}

describe('what load balancers ask', () => {
  test('/health and /ready answer 200 while all is well', async () => {
    const { url } = await startService({ engine: 'redis' });
    for (const [path, status] of [
      ['/health', 'ok'],
      ['/ready', 'ready'],
    ]) {
      const response = await fetch(url + path);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ status });
    }
  });

  test('/ready answers 503 while Redis is away or evicts keys, and 200 again afterwards; /health stays 200', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const { url } = await startService({ engine: 'redis', redisUrl: redis.url });
    const admin = new Redis(redis.url);
    onTestFinished(() => void admin.disconnect());
    admin.on('error', () => {});

    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect((await fetch(`${url}/ready`)).status).toBe(503);
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    expect((await fetch(`${url}/ready`)).status).toBe(200);

    await redis.stop();
    const away = await fetch(`${url}/ready`);
    expect(away.status).toBe(503);
    expect(await away.json()).toMatchObject({
      errors: [{ extensions: { code: 'UNAVAILABLE', retryable: true } }],
    });
    expect((await fetch(`${url}/health`)).status).toBe(200);

    const back = await startRedis({ port: redis.port });
    onTestFinished(() => back.stop());
    await until('it is ready again', async () => (await fetch(`${url}/ready`)).status === 200);
  });
});

describe('a request that is no operation', () => {
  test('a path without anything behind it: 404, also for a WebSocket', async () => {
    const { url } = await startService({ engine: 'memory' });
    for (const path of ['/', '/graphql/', '/favicon.ico', '//', '/%']) {
      const { status, body } = await send(url + path);
      expect([path, status]).toEqual([path, 404]);
      expect(JSON.parse(String(body))).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    }
    const raw = upgrade(url, {}, '/elsewhere');
    await raw.closed;
    expect(raw.text).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  });

  test('an empty body: 400', async () => {
    const { url } = await startService({ engine: 'memory' });
    const { status, body } = await send(`${url}/graphql`, { method: 'POST', headers: json });
    expect(status).toBe(400);
    expect(JSON.parse(String(body))).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  });

  test.each(['{"query":', 'null', '"text"', '[]', '{}', '{"query":1}'])(
    'a body of %s: 400 in the form of a GraphQL answer',
    async (body) => {
      const { url } = await startService({ engine: 'memory' });
      for (const accept of ['application/graphql-response+json', 'text/event-stream']) {
        const response = await send(`${url}/graphql`, { method: 'POST', headers: { ...json, accept }, body });
        if (accept !== 'text/event-stream') {
          expect(response.status).toBe(400);
          expect(JSON.parse(String(response.body)).errors).toHaveLength(1);
        }
        expect(String(response.body)).not.toContain('INTERNAL_SERVER_ERROR');
        expect(String(response.body)).toContain('"message"');
      }
    },
  );

  const most = 128 * 1024;

  test('a body of exactly 128 KiB is served', async () => {
    const { url } = await startService({ engine: 'memory' });
    const body = typename.padEnd(most);
    expect((await send(`${url}/graphql`, { method: 'POST', headers: json, body })).status).toBe(200);
  });

  test.each([
    ['declared', { 'content-length': String(16 * most) }],
    ['chunked', { 'transfer-encoding': 'chunked' }],
  ])('a %s body over 128 KiB: 413, which a client that is still sending can read', async (_, framing) => {
    const { url } = await startService({ engine: 'memory' });
    const body = ' '.repeat(16 * most);
    for (let time = 0; time < 10; time++) {
      const response = await send(`${url}/graphql`, {
        method: 'POST',
        headers: { ...json, ...framing },
        body,
      });
      expect(response.status).toBe(413);
      expect(JSON.parse(String(response.body))).toMatchObject({
        errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE', retryable: false } }],
      });
    }
  });

  test('a client that declares a large body and sends none of it is answered at once', async () => {
    const { url } = await startService({ engine: 'memory' });
    const raw = rawRequest(url, 'POST /graphql HTTP/1.1', { ...json, 'content-length': '10000000' });
    await raw.contains('413');
  });

  test('one that promises another protocol than a WebSocket is answered as it is', async () => {
    const { url } = await startService({ engine: 'memory' });
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAAP__',
    };
    const raw = rawRequest(url, 'POST /graphql HTTP/1.1', { ...json, ...headers }, typename);
    await raw.contains('"data":{"__typename":"Query"}');
  });
});

describe('connections that are refused', () => {
  test('one that is broken off the moment it is refused does not end the process', async () => {
    const { url } = await startService({ engine: 'memory' });
    for (let time = 0; time < 20; time++) {
      const raw = rawConnection(url);
      const request = requestText(url, 'GET /elsewhere HTTP/1.1', {
        connection: 'Upgrade',
        upgrade: 'websocket',
      });
      await new Promise((resolve) => raw.socket.write(request, resolve));
      raw.socket.resetAndDestroy();
    }
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  test('one whose client keeps its own side open does not keep the node from stopping', async () => {
    const node = await startService({ engine: 'memory' });
    const raw = rawConnection(node.url, true);
    raw.socket.write(
      requestText(node.url, 'GET /elsewhere HTTP/1.1', { connection: 'Upgrade', upgrade: 'websocket' }),
    );
    await raw.contains('404');
    await node.stop();
  });
});

describe('pages of other origins', () => {
  test('in production only those of CORS_ORIGINS and the service itself may call', async () => {
    const { url } = await startService({
      engine: 'memory',
      env: { CORS_ORIGINS: 'https://app.example.org, https://other.example.org' },
    });
    const { host } = new URL(url);
    for (const [origin, status] of [
      ['https://app.example.org', 200],
      ['https://other.example.org', 200],
      [`http://${host}`, 200],
      ['https://example.org', 403],
      ['https://app.example.org.evil.example', 403],
      ['http://app.example.org', 403],
      ['http://localhost:1', 403],
      ['null', 403],
    ] as const) {
      const response = await send(`${url}/graphql`, {
        method: 'POST',
        headers: { ...json, origin },
        body: typename,
      });
      expect([origin, response.status]).toEqual([origin, status]);
      expect(response.headers['access-control-allow-origin']).toBe(status === 200 ? origin : undefined);
      const raw = upgrade(url, { origin });
      await raw.contains(status === 200 ? ' 101 ' : ' 403 ');
      raw.socket.destroy();
    }
  });

  test('a preflight is answered for them, without asking for a token', async () => {
    const { url } = await startService({
      engine: 'memory',
      env: { CORS_ORIGINS: 'https://app.example.org' },
    });
    const preflight = (origin: string) =>
      send(`${url}/graphql`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      });
    const { status, headers, body } = await preflight('https://app.example.org');
    expect([status, body.length]).toEqual([204, 0]);
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example.org',
      'access-control-allow-headers': expect.stringMatching(/authorization.*content-type/),
      'access-control-allow-methods': expect.stringContaining('POST'),
      vary: expect.stringMatching(/origin/i),
    });
    expect(headers['access-control-allow-credentials']).toBeUndefined();

    const refused = await preflight('https://evil.example');
    expect(refused.status).toBe(403);
    expect(refused.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('a stream may be read by them too', async () => {
    const origin = 'https://app.example.org';
    const { url } = await startService({ engine: 'memory', env: { CORS_ORIGINS: origin } });
    const body = JSON.stringify({ query: 'subscription { incomingSignal { id } }' });
    const headers = {
      ...json,
      origin,
      accept: 'text/event-stream',
      authorization: `Bearer ${await tokenFor('a')}`,
    };
    const raw = rawRequest(url, 'POST /graphql HTTP/1.1', headers, body);
    await raw.contains('data: ');
    expect(raw.text).toMatch(/\r\naccess-control-allow-origin: https:\/\/app\.example\.org\r\n/i);
  });

  test('CORS_ORIGINS=* lets every page call', async () => {
    const { url } = await startService({ engine: 'memory', env: { CORS_ORIGINS: '*' } });
    const headers = { ...json, origin: 'https://anywhere.example' };
    const response = await send(`${url}/graphql`, { method: 'POST', headers, body: typename });
    expect(response.headers['access-control-allow-origin']).toBe('https://anywhere.example');
  });
});

describe('development mode', () => {
  test('requests and WebSockets that name another host are refused', async () => {
    const { url } = await startDevelopment();
    const { port } = new URL(url);
    for (const [host, status] of [
      [`127.0.0.1:${port}`, 200],
      [`localhost:${port}`, 200],
      [`[::1]:${port}`, 200],
      ['LOCALHOST', 200],
      [`evil.example:${port}`, 403],
      ['localhost.evil.example', 403],
      ['127.0.0.1.evil.example', 403],
      ['192.168.0.1', 403],
    ] as const) {
      const response = await send(`${url}/graphql`, {
        method: 'POST',
        headers: { ...json, host },
        body: typename,
      });
      expect([host, response.status]).toEqual([host, status]);
      const raw = upgrade(url, { host });
      await raw.contains(status === 200 ? ' 101 ' : ' 403 ');
      raw.socket.destroy();
    }
    const nameless = rawRequest(url, 'GET /graphql HTTP/1.0', { host: '', accept: 'text/html' });
    await nameless.contains(' 403 ');
  });

  test('pages of this machine may call, those of other sites may not', async () => {
    const { url } = await startDevelopment();
    for (const [origin, status] of [
      ['http://localhost:5173', 200],
      ['http://127.0.0.1:3000', 200],
      ['https://evil.example', 403],
      ['http://localhost.evil.example', 403],
      ['null', 403],
    ] as const) {
      const response = await send(`${url}/graphql`, {
        method: 'POST',
        headers: { ...json, origin },
        body: typename,
      });
      expect([origin, response.status]).toEqual([origin, status]);
      const raw = upgrade(url, { origin });
      await raw.contains(status === 200 ? ' 101 ' : ' 403 ');
      raw.socket.destroy();
    }
  });
});

describe('the GraphiQL page', () => {
  const page = { accept: 'text/html,application/xhtml+xml' };

  test('is served to browsers only, compressed for those who can, and not again while it is the same', async () => {
    const { url, users } = await startDevelopment();
    const plain = await send(`${url}/graphql`, { headers: page });
    expect(plain.status).toBe(200);
    expect(plain.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(String(plain.body)).toMatch(/^<!doctype html>/i);
    expect(String(plain.body)).toContain(users[0]?.token);

    const zipped = await send(`${url}/graphql`, { headers: { ...page, 'accept-encoding': 'br, gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
    expect(zipped.body.length).toBeLessThan(plain.body.length / 2);

    const headers = { ...page, 'if-none-match': plain.headers.etag };
    const again = await send(`${url}/graphql`, { headers });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const other = await send(`${url}/graphql`, { headers: { ...page, 'if-none-match': '"another"' } });
    expect(other.status).toBe(200);

    const query = await send(`${url}/graphql?query=%7B__typename%7D`, {
      headers: { accept: 'application/json' },
    });
    expect(JSON.parse(String(query.body))).toEqual({ data: { __typename: 'Query' } });
  });

  test.each([
    '<script src="https://cdn.example.org/x.js"></script>',
    "<link rel=stylesheet href='//cdn.example.org/x.css'>",
    '@import url(https://fonts.example.org/x);',
    'a { background: url("https://example.org/x.png") }',
    'import x from "https://esm.sh/react"',
    'await import(`https://example.org/x.js`)',
    'new Worker("https://example.org/worker.js")',
    'fetch("http://example.org/x")',
  ])('%s would be noticed', (html) => {
    expect(loadsFromElsewhere(html)).not.toEqual([]);
  });

  test('loads nothing from elsewhere, and carries no token outside development mode', async () => {
    const { url } = await startService({ engine: 'memory', env: { GRAPHIQL: 'on' } });
    const html = String((await send(`${url}/graphql`, { headers: page })).body);
    expect(html.length).toBeGreaterThan(1_000_000);
    expect(loadsFromElsewhere(html)).toEqual([]);
    expect(html).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });

  test('is absent with GRAPHIQL=off, and in production unless asked for', async () => {
    for (const start of [
      () => startDevelopment({ GRAPHIQL: 'off', DEMO: 'off' }),
      () => startService({ engine: 'memory' }),
    ]) {
      const { url } = await start();
      const response = await send(`${url}/graphql`, { headers: page });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(String(response.body)).not.toContain('<script');
      expect((await send(url)).status).toBe(404);
    }
  });
});

/** The places in a page where a browser would load something from another address. Addresses in plain text are none. */
function loadsFromElsewhere(html: string): string[] {
  const address = String.raw`["'\x60(]?\s*(?:https?:|wss?:)?//[\w-]+\.[\w.-]+[^\s"'\x60)]*`;
  const patterns = [
    String.raw`\b(?:src|href|action|poster|data|srcset)\s*=\s*${address}`,
    String.raw`\burl\(\s*${address}`,
    String.raw`@import\s+(?:url\()?${address}`,
    String.raw`\bimport\s*\(?\s*${address}`,
    String.raw`\bfrom\s*["']https?:`,
    String.raw`\b(?:fetch|importScripts|Worker|SharedWorker|EventSource|WebSocket|open)\(\s*(?:new URL\()?${address}`,
    String.raw`\b(?:unpkg\.com|jsdelivr\.net|cdnjs\.|esm\.sh|googleapis\.com|gstatic\.com)`,
  ];
  return patterns.flatMap((pattern) => html.match(new RegExp(pattern, 'gi')) ?? []);
}

describe('an operation that goes past Yoga', () => {
  const queries: Record<string, object> = {
    'what is asked for': { query: '{ service { name } }' },
    'one of several': { query: 'query A { __typename } query B { a: __typename }', operationName: 'B' },
    'not clear which': { query: 'query A { __typename } query B { a: __typename }' },
    'a refusal': { query: '{ viewer { uid } }' },
    'a refusal by argument': { query: 'mutation { keepAlive(socketId: "no id") { nextBy } }' },
    'a variable that does not fit': {
      query: 'query ($id: ID!) { call(callId: $id) { id } }',
      variables: { id: {} },
    },
    'a variable that is missing': { query: 'query ($id: ID!) { call(callId: $id) { id } }' },
    'no document': { query: '{' },
    'no valid document': { query: '{ nonsense }' },
    'a subscription': { query: 'subscription { incomingSignal { id } }' },
    'nulls for what may be left out': {
      query: '{ __typename }',
      variables: null,
      operationName: null,
      extensions: null,
      id: null,
    },
    'an unknown parameter': { query: '{ __typename }', id: 'x' },
    'variables in a list': { query: '{ __typename }', variables: [] },
    'prototype keys': { query: '{ __proto__: __typename constructor: __typename }' },
  };

  test.each(Object.entries(queries))('is answered as Yoga answers it: %s', async (_, body) => {
    const { url } = await startService({ engine: 'memory' });
    const token = await tokenFor('alice');
    const ask = async (accept: string, authorization: object) => {
      const headers = { ...json, accept, ...authorization };
      const response = await send(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) });
      return [response.status, response.headers['content-type'], String(response.body)];
    };
    // Whoever is particular about the charset gets to Yoga.
    for (const type of ['application/json', 'application/graphql-response+json'])
      for (const authorization of [{}, { authorization: `Bearer ${token}` }, { authorization: 'Bearer x' }])
        expect(await ask(type, authorization)).toEqual(await ask(`${type}; charset=utf-8`, authorization));
  });

  test.each([
    ['*/*', 200, 'application/json; charset=utf-8'],
    ['application/*', 200, 'application/json; charset=utf-8'],
    ['text/html, application/json;q=0.9', 200, 'application/json; charset=utf-8'],
    [
      'application/graphql-response+json, application/json',
      200,
      'application/graphql-response+json; charset=utf-8',
    ],
    ['constructor, application/json', 200, 'application/json; charset=utf-8'],
    ['constructor', 406, undefined],
    ['text/plain', 406, undefined],
  ])('comes as its client accepts it: %s', async (accept, status, type) => {
    const { url } = await startService({ engine: 'memory' });
    const response = await send(`${url}/graphql`, {
      method: 'POST',
      headers: { ...json, accept },
      body: typename,
    });
    expect([response.status, response.headers['content-type']]).toEqual([status, type]);
  });
});

test('every audit of GraphQL over HTTP passes', async () => {
  const { url } = await startService({ engine: 'memory' });
  const audits = serverAudits({ url: `${url}/graphql`, fetchFn: fetch });
  const results = await Promise.all(audits.map(({ fn }) => fn()));
  expect(results.filter(({ status }) => status !== 'ok')).toEqual([]);
  expect(results).toHaveLength(61);
});

describe('a defect of ours', () => {
  const secret = 'hunter2-and-other-things-that-stay-inside';

  test('is INTERNAL_SERVER_ERROR and nothing else, over HTTP, server-sent events and WebSocket', async () => {
    const prefix = randomPrefix();
    const node = await startService({ engine: 'redis', prefix });
    const redis = new Redis(inject('redisUrl'));
    onTestFinished(() => void redis.disconnect());
    // A call whose stored text is no JSON: reading it throws an error that quotes the text.
    await redis.hset(`{${prefix}}:document:call:broken`, { rev: 1, body: secret });
    await redis.hset(`{${prefix}}:live:alice`, 'call:broken', secret);
    // A key of the wrong type: Redis' own error names what it found.
    await redis.set(`{${prefix}}:access:bob`, secret);

    const [alice, bob] = await Promise.all([tokenFor('alice'), tokenFor('bob')]);
    const stream = 'subscription { incomingSignal { id } }';
    for (const [token, query] of [
      [alice, '{ call(callId: "broken") { id } }'],
      [alice, '{ activeCalls { id } }'],
      [bob, '{ viewer { uid } }'],
    ] as const) {
      const { data, errors } = await post(node.url, token, query);
      expectMasked(errors);
      const raw = await signedInWs(node.url, token);
      raw.subscribe('1', query);
      const overWs = (await raw.nextOf('next')).payload;
      expectMasked(overWs.errors);
      expect(overWs.data).toEqual(data);
    }
    for (const token of [alice, bob]) {
      const sse = rawSse(node.url, token, { query: stream });
      await sse.closed;
      expectMasked(JSON.parse(/data: (\{.*\})\n/.exec(sse.text)?.[1] ?? '{}').errors);
      const raw = await signedInWs(node.url, token);
      raw.subscribe('1', stream);
      expectMasked((await raw.nextOf('next')).payload.errors);
    }
    expect(node.stats()).toMatchObject({ sockets: 0, plans: 0 });
  });

  function expectMasked(errors: unknown): void {
    expect(errors).toMatchObject([
      {
        message: 'Something went wrong on our side.',
        path: [expect.any(String)],
        extensions: { code: 'INTERNAL_SERVER_ERROR', retryable: false },
      },
    ]);
    expect(Object.keys((errors as { extensions: object }[])[0]?.extensions ?? {})).toEqual([
      'code',
      'retryable',
    ]);
    const text = JSON.stringify(errors);
    for (const word of [secret, 'hunter2', 'WRONGTYPE', 'JSON', 'stack', '.ts'])
      expect(text).not.toContain(word);
  }
});
