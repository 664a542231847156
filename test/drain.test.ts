import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Node } from '../src/server.ts';
import { as, documents, post } from './support/api.ts';
import { startChildNode } from './support/child-node.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { listen, transports } from './support/listen.ts';
import { person } from './support/person.ts';
import {
  openClient,
  rawConnection,
  rawRequest,
  rawSse,
  signedInWs,
  turns,
  until,
  within,
} from './support/raw.ts';
import { startRedis } from './support/redis-server.ts';
import { type EngineName, engines, randomPrefix, startService, tokenFor } from './support/service.ts';

const document =
  'subscription { incomingSignal { __typename cursor ... on SocketClosing { code reconnect retryAfterMs } } }';

async function startNode(engine: EngineName, seconds = 10) {
  const clock = manualClock();
  const env = { DRAIN_SECONDS: String(seconds) };
  return { clock, node: await startService({ engine, env, overrides: { clock } }) };
}

/** Lets the first half of the window pass, in which the sockets are closed. */
function passHalf(clock: ManualClock): void {
  for (let second = 0; second < 5; second++) clock.advance(1000);
}

function upgrade(url: string) {
  return rawRequest(url, 'GET /graphql HTTP/1.1', {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'graphql-transport-ws',
  });
}

test('a node that stops waits for nobody in the crowd that it has not greeted yet', async () => {
  const { node } = await startNode('memory');
  const crowd = Array.from({ length: 200 }, () => upgrade(node.url));
  while (!crowd.some(({ text }) => text.includes('101'))) await turns(1);
  await within('the end', node.stop());
  await within('the end of every connection', Promise.all(crowd.map(({ closed }) => closed)));
  expect(crowd.every(({ text }) => text.includes('101'))).toBe(false);
});

describe.each(engines)('a node that drains, on %s', (engine) => {
  test('says so at once, opens no socket any more, and serves everything else until its sockets are closed', async () => {
    const { clock, node } = await startNode(engine);
    const token = await tokenFor('alice');
    const ws = await signedInWs(node.url, token);
    ws.subscribe('open', document);
    await ws.nextOf('next', 'open');
    const drained = node.drain();

    const ready = await fetch(`${node.url}/ready`);
    expect(ready.status).toBe(503);
    expect(ready.headers.get('connection')).toBe('close');
    expect(await ready.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
    expect((await fetch(`${node.url}/health`)).status).toBe(200);

    const refusal = { code: 'UNAVAILABLE', retryable: true, retryAfterMs: expect.any(Number) };
    const refused = rawSse(node.url, token);
    await refused.closed;
    const [, result = ''] = /data: (.*)/.exec(refused.text) ?? [];
    expect(JSON.parse(result)).toMatchObject({ errors: [{ extensions: refusal }] });
    ws.subscribe('late', document);
    expect(await ws.nextOf('next', 'late')).toMatchObject({ payload: { errors: [{ extensions: refusal }] } });
    const turnedAway = upgrade(node.url);
    await turnedAway.closed;
    expect(turnedAway.text).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\nretry-after: \d+\r\n/);

    // Who is still here sends and receives.
    await as(node.url, token).message({ target: { uid: 'alice' } });
    expect(await ws.nextOf('next', 'open')).toMatchObject({
      payload: { data: { incomingSignal: { __typename: 'PeerMessage' } } },
    });
    ws.subscribe('query', '{ viewer { uid } }');
    expect(await ws.nextOf('next', 'query')).toMatchObject({
      payload: { data: { viewer: { uid: 'alice' } } },
    });

    passHalf(clock);
    await within('the end', drained);
    expect(await ws.closed).toMatchObject({ code: 1001 });
    await expect(fetch(`${node.url}/health`)).rejects.toThrow();
  });

  test('tells every socket in-band, then closes a WebSocket with 1001 and breaks a stream off', async () => {
    const { clock, node } = await startNode(engine);
    const token = await tokenFor('alice');
    const sse = rawSse(node.url, token, { query: document });
    const ws = await signedInWs(node.url, token);
    for (const id of ['1', '2', '3']) ws.subscribe(id, document);
    for (let i = 0; i < 3; i++) await ws.nextOf('next');
    await sse.contains('SocketReady');
    const drained = node.drain();
    passHalf(clock);

    const closings = [await ws.next(), await ws.next(), await ws.next()];
    expect(closings.map(({ id }) => id).sort()).toEqual(['1', '2', '3']);
    const said = { __typename: 'SocketClosing', code: 'SHUTTING_DOWN', reconnect: true };
    for (const { type, payload } of closings) {
      expect(type).toBe('next');
      expect(payload.data.incomingSignal).toMatchObject({ ...said, retryAfterMs: expect.any(Number) });
    }
    // Nothing is completed: clients would not come back.
    await expect(ws.next()).rejects.toThrow('"code":1001');
    await sse.closed;
    expect(sse.text).toContain('"code":"SHUTTING_DOWN","reconnect":true,"retryAfterMs":');
    expect(sse.text).not.toContain('event: complete');
    expect(sse.text.endsWith('\r\n0\r\n\r\n')).toBe(false);
    await within('the end', drained);
  });

  test('does not send everybody away in the same moment, nor back at the same time', async () => {
    const { clock, node } = await startNode(engine);
    const clients = await Promise.all(
      Array.from({ length: 40 }, async (_, i) =>
        openClient(transports[i % 2] ?? 'sse', node.url, await tokenFor(`user${i}`)),
      ),
    );
    const streams = clients.map((client) => client.open({}, document));
    await Promise.all(streams.map(({ ready }) => ready));
    const drained = node.drain();
    expect(node.stats().sockets).toBe(40);
    const left = Array.from({ length: 5 }, () => {
      clock.advance(1000);
      return node.stats().sockets;
    });
    expect(left.at(-1)).toBe(0);
    expect(left[0]).toBeGreaterThan(10);
    expect(new Set(left).size).toBeGreaterThan(3);
    const closings = await Promise.all(
      streams.map(({ first }) => first('SocketClosing', ({ __typename }) => __typename === 'SocketClosing')),
    );
    const waits = closings.map(({ retryAfterMs }) => retryAfterMs);
    expect(new Set(waits).size).toBeGreaterThan(20);
    for (const wait of waits) expect(wait).toBeLessThanOrEqual(1000);
    await within('the end', drained);
  });

  test('with a window of 0 s closes everything at once', async () => {
    const { node } = await startNode(engine, 0);
    const raw = rawSse(node.url, await tokenFor('alice'));
    await raw.contains('SocketReady');
    await within('the end', node.drain());
    await raw.contains('"code":"SHUTTING_DOWN"');
  });

  test('and is stopped meanwhile, goes at once', async () => {
    const { node } = await startNode(engine);
    const raw = rawSse(node.url, await tokenFor('alice'));
    await raw.contains('SocketReady');
    const drained = node.drain();
    await within('the end', Promise.all([node.stop(), drained]));
    await raw.contains('"code":"SHUTTING_DOWN"');
  });
});

describe('what runs when a node stops', () => {
  const variables = { hubId: 'team', input: { target: { uid: 'bob' }, type: 'late' } };
  const text = JSON.stringify({ query: documents.message, variables });

  /** A node whose Redis answers nothing until it is told to. */
  async function startFrozen(): Promise<{ node: Node; token: string; resume(): void; pause(): void }> {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const node = await startService({ engine: 'redis', redisUrl: redis.url });
    const token = await tokenFor('alice');
    await post(node.url, token, '{ viewer { uid } }');
    return { node, token, resume: () => redis.resume(), pause: () => redis.pause() };
  }

  test('is answered over HTTP, and its connection does not hold the node up although it was to be kept', async () => {
    const { node, token, pause, resume } = await startFrozen();
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    pause();
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const request = httpRequest(`${node.url}/graphql`, { method: 'POST', headers, agent });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    request.end(text);
    await once(request, 'finish');
    await until('it is being served', async () => (await fetch(`${node.url}/health`)).ok);
    const stopped = node.stop();
    resume();
    const [response] = await within('the answer', answered);
    const from = performance.now();
    expect(response.headers.connection).toBe('close');
    expect(JSON.parse(Buffer.concat(await response.toArray()).toString())).toMatchObject({
      data: { message: { type: 'late' } },
    });
    await stopped;
    // Without that, the node would wait for its whole patience of 2 s.
    expect(performance.now() - from).toBeLessThan(1000);
  });

  test('is answered over WebSocket before the connection closes', async () => {
    const { node, token, pause, resume } = await startFrozen();
    const ws = await signedInWs(node.url, token);
    pause();
    ws.subscribe('1', documents.message, variables);
    ws.send({ type: 'ping' });
    await ws.nextOf('pong');
    const stopped = node.stop();
    resume();
    expect(await ws.nextOf('next', '1')).toMatchObject({ payload: { data: { message: { type: 'late' } } } });
    expect(await ws.closed).toMatchObject({ code: 1001 });
    await within('the end', stopped);
  });

  test('an answer that is on its way when the node stops is the last on its connection', async () => {
    const { url, ...node } = await startService({ engine: 'memory', env: { GRAPHIQL: 'on' } });
    const raw = rawConnection(url);
    // The page is larger than what goes on its way at once, and the client does not read on.
    raw.socket.pause();
    raw.socket.write(`GET /graphql HTTP/1.1\r\nhost: ${new URL(url).host}\r\naccept: text/html\r\n\r\n`);
    await until('it is being served', async () => (await fetch(`${url}/health`)).ok);
    const stopped = node.stop();
    raw.socket.resume();
    await raw.closed;
    await stopped;
    expect(raw.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

test.each(transports)(
  'a call that rings does not notice that its people are sent to another node, over %s',
  async (transport) => {
    const prefix = randomPrefix();
    const env = { DRAIN_SECONDS: '0' };
    const leaving = await startService({ engine: 'redis', prefix, env });
    const staying = await startService({ engine: 'redis', prefix, env });
    const alice = await person(leaving.url, 'alice');
    const bob = await person(leaving.url, 'bob');
    const variables = { deviceId: 'phone' };
    const [caller, callee] = [
      await alice.open({ transport, variables }),
      await bob.open({ transport, variables }),
    ];
    const { call } = await alice.dial({
      target: { uid: 'bob' },
      roomId: 'r',
      roomType: 'video',
      deviceId: 'phone',
    });
    const ring = await callee.nextOf('IncomingCall');
    await leaving.drain();

    const after = caller.received.findLast(({ cursor }) => cursor !== null)?.cursor;
    const back = await listen(staying.url, alice.token, { transport, variables: { ...variables, after } });
    expect(back.ready).toMatchObject({ recovered: true, calls: [{ id: call.id, state: 'RINGING' }] });
    const calleeBack = await listen(staying.url, bob.token, {
      transport,
      variables: { ...variables, after: ring.cursor },
    });
    expect(calleeBack.ready).toMatchObject({ recovered: true, calls: [{ id: call.id, state: 'RINGING' }] });
    await as(staying.url, bob.token).accept(call.id, calleeBack.ready.socketId);
    expect(await back.nextOf('CallUpdated')).toMatchObject({ change: 'ACCEPTED' });
  },
);

describe('a process', () => {
  test('that gets SIGTERM leaves in good order, within its window, and exits with 0', async () => {
    const node = await startChildNode({ DRAIN_SECONDS: '3' });
    const alice = await listen(node.url, await tokenFor('alice'));
    const from = performance.now();
    expect(await node.end('SIGTERM')).toBe(0);
    expect(performance.now() - from).toBeLessThan(3000);
    expect(await alice.nextOf('SocketClosing')).toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'that drains and gets %s goes at once, with 0',
    async (signal) => {
      const node = await startChildNode({ DRAIN_SECONDS: '600' });
      const alice = await listen(node.url, await tokenFor('alice'));
      const ended = node.end('SIGTERM');
      await until('it drains', async () => (await fetch(`${node.url}/ready`)).status === 503);
      await node.end(signal);
      expect(await ended).toBe(0);
      expect(await alice.nextOf('SocketClosing')).toMatchObject({ code: 'SHUTTING_DOWN' });
    },
  );

  test('that gets SIGINT goes at once, with 0', async () => {
    const node = await startChildNode({ DRAIN_SECONDS: '600' });
    const alice = await listen(node.url, await tokenFor('alice'));
    expect(await node.end('SIGINT')).toBe(0);
    expect(await alice.nextOf('SocketClosing')).toMatchObject({ code: 'SHUTTING_DOWN' });
  });
});
