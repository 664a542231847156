import { describe, expect, test } from 'vitest';
import { as, post } from './support/api.ts';
import { manualClock } from './support/clock.ts';
import { listen, listenDocument } from './support/listen.ts';
import {
  openClient,
  otherEnd,
  rawConnection,
  rawRequest,
  rawSse,
  requestText,
  sseHeaders,
  turns,
  until,
} from './support/raw.ts';
import { startRedis } from './support/redis-server.ts';
import { startService, tokenFor } from './support/service.ts';

const shortDocument = 'subscription { incomingSignal { __typename cursor ... on PeerMessage { payload } } }';

/** The body of a chunked response, put together. */
function unchunked(text: string): string {
  let rest = text.slice(text.indexOf('\r\n\r\n') + 4);
  let body = '';
  for (;;) {
    const [, size = '', content = ''] = /^([0-9a-f]+)\r\n(.*)$/s.exec(rest) ?? [];
    const length = Number.parseInt(size, 16);
    if (!length || content.length < length) return body;
    body += content.slice(0, length);
    expect(content.slice(length, length + 2)).toBe('\r\n');
    rest = content.slice(length + 2);
  }
}

const endOfBody = '\r\n0\r\n\r\n';

describe('what goes over the wire', () => {
  test('each signal is one event `next`: its cursor as id, its result on one data line; the first says when to come back', async () => {
    const { url } = await startService({ engine: 'memory' });
    const token = await tokenFor('alice');
    const raw = rawSse(url, token, { query: shortDocument });
    await raw.contains('SocketReady');
    const payload = { text: 'one\ntwo\r\nthree\u2028four', emoji: '📞' };
    await as(url, token).message({ target: { uid: 'alice' }, payload });
    await raw.contains('PeerMessage');

    expect(raw.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(raw.text).toMatch(/\r\ncontent-type: text\/event-stream; charset=utf-8\r\n/i);
    expect(raw.text).toMatch(/\r\ncache-control: no-cache, no-transform\r\n/i);
    expect(raw.text).toMatch(/\r\nx-accel-buffering: no\r\n/i);
    expect(raw.text).toMatch(/\r\ntransfer-encoding: chunked\r\n/i);
    const events = unchunkedBytes(raw.text).split('\n\n');
    expect(events).toHaveLength(3);
    expect(events[2]).toBe('');
    expect(events[0]).toContain('\nretry: 1000\n');
    for (const event of events.slice(0, 2)) {
      const [name, id, line, ...more] = event.replace('retry: 1000\n', '').split('\n');
      expect(more).toEqual([]);
      expect(name).toBe('event: next');
      const result = JSON.parse((line ?? '').replace(/^data: /, ''));
      expect(id).toBe(`id: ${result.data.incomingSignal.cursor}`);
      expect(Object.keys(result)).toEqual(['data']);
    }
    expect(events[1]).toContain(JSON.stringify(payload));
    expect(events[1]).not.toContain('retry:');
  });

  test('a signal without a cursor has no id; the last one says when to come back', async () => {
    const clock = manualClock();
    const { url } = await startService({ engine: 'memory', overrides: { clock } });
    const raw = rawSse(url, await tokenFor('alice', { expiresIn: 60 }), { query: shortDocument });
    await raw.contains('SocketReady');
    clock.advance(61_000);
    await raw.contains('SocketClosing');
    expect(raw.text).toContain(
      'event: next\nretry: 0\ndata: {"data":{"incomingSignal":{"__typename":"SocketClosing","cursor":null}}}\n\n',
    );
  });

  test('a refused subscription is one `next` with its errors, then `complete`, then the end of the body', async () => {
    const { url } = await startService({ engine: 'memory' });
    const query = 'subscription { incomingSignal(hubIds: ["elsewhere"]) { id } }';
    const raw = rawSse(url, await tokenFor('alice'), { query });
    await raw.closed;
    expect(raw.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(raw.text.endsWith(endOfBody)).toBe(true);
    const [next, complete, rest] = unchunked(raw.text).split('\n\n');
    const { errors, ...others } = JSON.parse((next ?? '').replace('event: next\ndata: ', ''));
    expect(others).toEqual({});
    expect(errors).toMatchObject([
      { path: ['incomingSignal'], extensions: { code: 'FORBIDDEN', retryable: false, field: 'hubIds[0]' } },
    ]);
    expect([complete, rest]).toEqual(['event: complete\ndata:', '']);
  });

  test('an HTTP/1.0 client gets a body without chunks that ends with the connection', async () => {
    const { url } = await startService({ engine: 'memory' });
    const token = await tokenFor('alice');
    const open = rawSse(url, token, { query: shortDocument }, '1.0');
    await open.contains('SocketReady');
    await as(url, token).message({ target: { uid: 'alice' }, payload: 'hello' });
    await open.contains('hello');
    const [head = '', body = ''] = open.text.split('\r\n\r\n');
    expect(head).not.toMatch(/transfer-encoding/i);
    expect(body).toMatch(
      /^event: next\nid: \S+\nretry: 1000\ndata: \{.*\}\n\nevent: next\nid: \S+\ndata: \{.*\}\n\n$/,
    );

    const refused = rawSse(url, undefined, { query: shortDocument }, '1.0');
    await refused.closed;
    expect(refused.text).toMatch(/\r\n\r\nevent: next\ndata: \{"errors".*\}\n\nevent: complete\ndata:\n\n$/);
  });

  test('a GET request subscribes too, as clients like EventSource send it', async () => {
    const { url } = await startService({ engine: 'memory' });
    const token = await tokenFor('alice');
    const search = new URLSearchParams({
      query: listenDocument,
      variables: JSON.stringify({ deviceId: 'kitchen', kinds: ['PEER_MESSAGE'] }),
    });
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
    const raw = rawRequest(url, `GET /graphql?${search} HTTP/1.1`, headers);
    await raw.contains('"deviceId":"kitchen"');
    await as(url, token).message({ target: { uid: 'alice' }, payload: 'hello' });
    await raw.contains('hello');
  });

  test.each(['HEAD', 'PUT', 'DELETE'])('a %s request opens no socket', async (method) => {
    const node = await startService({ engine: 'memory' });
    const search = new URLSearchParams({ query: shortDocument });
    const response = await fetch(`${node.url}/graphql?${search}`, {
      method,
      headers: sseHeaders(await tokenFor('alice')),
      signal: AbortSignal.timeout(5000),
    });
    expect(response.status).toBe(405);
    expect(node.stats().sockets).toBe(0);
  });

  test('the body of an answer that is no stream is an event stream, when that is what is accepted', async () => {
    const { url } = await startService({ engine: 'memory' });
    const token = await tokenFor('alice');
    const query = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: sseHeaders(token),
      body: JSON.stringify({ query: '{ viewer { uid } }' }),
    });
    expect(query.headers.get('content-type')).toContain('text/event-stream');
    expect(await query.text()).toContain('data: {"data":{"viewer":{"uid":"alice"}}}\n');

    const invalid = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: sseHeaders(token),
      body: JSON.stringify({ query: 'subscription { incomingSignal { nonsense } }' }),
    });
    expect(await invalid.text()).toContain('Cannot query field');
  });

  test.each([undefined, 'application/json', '*/*'])(
    'a subscription whose request accepts %s is told how to subscribe',
    async (accept) => {
      const node = await startService({ engine: 'memory' });
      const response = await fetch(`${node.url}/graphql`, {
        method: 'POST',
        headers: { ...sseHeaders(await tokenFor('alice')), accept: accept ?? '' },
        body: JSON.stringify({ query: shortDocument }),
      });
      const { errors } = (await response.json()) as { errors: { extensions: object }[] };
      expect(errors).toMatchObject([
        {
          message: expect.stringContaining('text/event-stream'),
          extensions: { code: 'BAD_USER_INPUT', retryable: false },
        },
      ]);
      expect(node.stats()).toMatchObject({ sockets: 0, plans: 0 });
    },
  );
});

describe('the life of a connection', () => {
  test('the status line comes only when the socket is open', async () => {
    const redis = await startRedis();
    try {
      const { url } = await startService({ engine: 'redis', redisUrl: redis.url });
      const token = await tokenFor('alice');
      // What needs no Redis has been answered, what came before it has not.
      redis.pause();
      const raw = rawSse(url, token);
      await turns(20);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      expect(raw.text).toBe('');
      redis.resume();
      await raw.contains('SocketReady');
      expect(raw.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    } finally {
      await redis.stop();
    }
  });

  test('a stream that the service ends is ended whole, even when its client keeps its own side open', async () => {
    const node = await startService({ engine: 'memory' });
    const stubborn = rawConnection(node.url, true);
    const body = JSON.stringify({ query: 'subscription { incomingSignal(hubIds: ["elsewhere"]) { id } }' });
    const headers = sseHeaders(await tokenFor('alice'));
    stubborn.socket.write(requestText(node.url, 'POST /graphql HTTP/1.1', headers, body));
    await stubborn.contains('event: complete');
    await until('the plan is released', () => node.stats().plans === 0);
  });

  test('a stream does not write into the answer of a request before it on the same connection', async () => {
    const node = await startService({ engine: 'memory' });
    const headers = sseHeaders(await tokenFor('alice'));
    const raw = rawConnection(node.url);
    const request = (params: object) =>
      requestText(node.url, 'POST /graphql HTTP/1.1', headers, JSON.stringify(params));
    raw.socket.write(request({ query: shortDocument }) + request({ query: listenDocument }));
    await raw.contains('SocketReady');
    await as(node.url, await tokenFor('bob')).message({ target: { uid: 'alice' }, payload: 'hello' });
    await raw.contains('hello');
    // The second stream would begin with a status line of its own, and say everything once more.
    expect(raw.text.split('SocketReady')).toHaveLength(2);
    expect(raw.text.split('hello')).toHaveLength(2);
  });
});

describe('a reader that stalls', () => {
  test('gets the end of its stream all the same, though its heartbeat falls between', async () => {
    const clock = manualClock();
    const node = await startService({ engine: 'memory', overrides: { clock } });
    const stalled = rawSse(node.url, await tokenFor('carol'), { query: shortDocument });
    await stalled.contains('SocketReady');
    for (let second = 0; second < 13; second++) clock.advance(1000);
    stalled.socket.pause();
    const connection = otherEnd(stalled.socket.localPort);
    const send = as(node.url, await tokenFor('alice'));
    const payload = 'x'.repeat(60 * 1024);
    for (let sent = 0; connection.writableLength === 0; sent++) {
      expect(sent).toBeLessThan(1000);
      await send.message({ target: { uid: 'carol' }, payload });
    }
    const server = await tokenFor('server', { admin: true });
    await post(node.url, server, 'mutation { disconnectUser(uid: "carol") { sockets } }');
    await until('the end to wait', () => !connection.writable);
    clock.advance(1000);
    await turns(5);
    stalled.socket.resume();
    await stalled.closed;
    expect(stalled.text).toContain('event: complete');
    expect(stalled.text.endsWith(endOfBody)).toBe(true);
  });

  test('is cut off at 1 MiB unsent, while others receive everything and the process goes on', async () => {
    // Time stands still: it is not the heartbeat that cuts it off.
    const node = await startService({ engine: 'memory', overrides: { clock: manualClock() } });
    const alice = await openClient('ws', node.url, await tokenFor('alice'));
    const other = await listen(node.url, await tokenFor('bob'), { query: shortDocument });
    const stalled = rawSse(node.url, await tokenFor('carol'), { query: shortDocument });
    await stalled.contains('SocketReady');
    stalled.socket.pause();

    const own = await alice.open().ready;
    const payload = 'x'.repeat(60 * 1024);
    const send = as(node.url, await tokenFor('alice'));
    let sent = 0;
    for (; node.stats().sockets === 3 && sent < 1000; sent++)
      await send.message({ target: { hubId: 'team' }, origin: { socketId: own.socketId }, payload });
    expect(node.stats().sockets).toBe(2);
    for (let received = 0; received < sent; received++) {
      expect((await other.next()).payload).toHaveLength(payload.length);
    }
    await send.message({ target: { uid: 'bob' }, payload: 'still here' });
    expect(await other.next()).toMatchObject({ payload: 'still here' });

    // What the kernel had taken still arrives; the rest is what was unsent.
    stalled.socket.resume();
    await stalled.closed;
    const unsent = sent * payload.length - stalled.text.length;
    expect(unsent).toBeGreaterThan(1024 * 1024 - 2 * payload.length);
    expect(unsent).toBeLessThan(1024 * 1024 + 3 * payload.length);
  });
});

/** Chunk sizes count bytes; the text here holds characters. */
function unchunkedBytes(text: string): string {
  return Buffer.from(unchunked(Buffer.from(text).toString('latin1')), 'latin1').toString();
}
