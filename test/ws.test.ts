import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { as, documents, post } from './support/api.ts';
import { manualClock } from './support/clock.ts';
import { listen, listenDocument, type Received } from './support/listen.ts';
import { rawWs, signedInWs, until } from './support/raw.ts';
import { engines, startService, tokenFor } from './support/service.ts';

const shortDocument = 'subscription { incomingSignal { __typename cursor ... on PeerMessage { payload } } }';

describe('a connection that breaks the protocol is closed with a code that says how', () => {
  const init = { type: 'connection_init' };
  const subscribe = { id: '1', type: 'subscribe', payload: { query: shortDocument } };

  test.each([
    ['text that is not JSON', 4400, ['{"type":']],
    ['a message that is no object', 4400, ['null']],
    ['a message of an unknown type', 4400, [init, { type: 'start', id: '1' }]],
    ['an operation without an id', 4400, [init, { type: 'subscribe', payload: { query: '{ __typename }' } }]],
    ['an operation before connection_init', 4401, [subscribe]],
    ['a second operation with the id of one that goes on', 4409, [init, subscribe, subscribe]],
    ['a second connection_init', 4429, [init, init]],
    ['a frame over the limit', 1009, [init, { ...subscribe, extensions: { text: 'x'.repeat(128 * 1024) } }]],
    ['a token that is not accepted', 4403, [{ ...init, payload: { authorization: 'Bearer nonsense' } }]],
    ['something else than a bearer token', 4403, [{ ...init, payload: { authorization: 'Basic YTpi' } }]],
  ])('%s: %i', async (_, code, messages) => {
    const node = await startService({ engine: 'memory' });
    const authorization = `Bearer ${await tokenFor('alice')}`;
    const raw = await rawWs(node.url);
    for (const message of messages) {
      const isInit = message === init;
      raw.send(isInit ? { ...init, payload: { authorization } } : message);
      if (message !== messages.at(-1)) await raw.next();
    }
    expect(await raw.closed).toMatchObject({ code });
    await until('nothing is left', () => node.stats().sockets === 0 && node.stats().plans === 0);
  });

  test('another subprotocol: 4406', async () => {
    const { url } = await startService({ engine: 'memory' });
    expect(await (await rawWs(url, '')).closed).toMatchObject({ code: 4406 });
  });

  test('no connection_init: 4408', async () => {
    const clock = manualClock();
    const { url } = await startService({ engine: 'memory', overrides: { clock } });
    const raw = await rawWs(url);
    // A heartbeat, and as long as its answer may take.
    for (let second = 0; second < 14 + 6; second++) clock.advance(1000);
    expect(await raw.closed).toMatchObject({ code: 4408 });
  });
});

describe('what is wrong with one operation', () => {
  test.each<[string, Received, (message: Received) => void]>([
    [
      'a syntax error',
      { query: 'subscription { incomingSignal {' },
      ({ type, payload }) => {
        expect(type).toBe('error');
        expect(payload).toMatchObject([{ message: expect.stringContaining('Syntax Error') }]);
      },
    ],
    [
      'a validation error',
      { query: 'subscription { incomingSignal { nonsense } }' },
      ({ type, payload }) => {
        expect(type).toBe('error');
        expect(payload).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
      },
    ],
    [
      'an operation that is not in its document',
      { query: `${shortDocument} query Other { __typename }`, operationName: 'Nobody' },
      ({ type, payload }) => {
        expect(type).toBe('error');
        expect(payload).toMatchObject([{ message: expect.stringContaining('operation') }]);
      },
    ],
    [
      'a variable that does not fit',
      { query: listenDocument, variables: { hubIds: [{}] } },
      ({ type, payload }) => {
        expect(type).toBe('next');
        expect(payload.errors).toMatchObject([{ message: expect.stringContaining('$hubIds') }]);
      },
    ],
    [
      'a forbidden subscription',
      { query: listenDocument, variables: { hubIds: ['elsewhere'] } },
      ({ type, payload }) => {
        expect(type).toBe('next');
        expect(payload.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', field: 'hubIds[0]' } }]);
      },
    ],
    [
      'a forbidden mutation',
      { query: documents.message, variables: { hubId: 'elsewhere', input: { target: { uid: 'bob' } } } },
      ({ type, payload }) => {
        expect(type).toBe('next');
        expect(payload.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', field: 'hubId' } }]);
      },
    ],
  ])('%s ends that operation only', async (_, payload, check) => {
    const node = await startService({ engine: 'memory' });
    const token = await tokenFor('alice');
    const raw = await signedInWs(node.url, token);
    raw.subscribe('good', shortDocument);
    await raw.nextOf('next', 'good');

    raw.send({ id: 'bad', type: 'subscribe', payload });
    const answer = await raw.next();
    expect(answer.id).toBe('bad');
    check(answer);
    if (answer.type === 'next') expect(await raw.next()).toEqual({ id: 'bad', type: 'complete' });
    expect(node.stats()).toMatchObject({ sockets: 1, plans: 1 });

    // The other subscription goes on, and the id is free again.
    await as(node.url, token).message({ target: { uid: 'alice' }, payload: 'hello' });
    expect(await raw.nextOf('next', 'good')).toMatchObject({
      payload: { data: { incomingSignal: { __typename: 'PeerMessage', payload: 'hello' } } },
    });
    raw.subscribe('bad', '{ viewer { uid } }');
    expect(await raw.nextOf('next', 'bad')).toMatchObject({
      payload: { data: { viewer: { uid: 'alice' } } },
    });
  });
});

describe('operations', () => {
  const input = { target: { uid: 'bob' }, type: 'offer' };

  test.each<[string, { query: string; variables?: object }]>([
    ['a query', { query: '{ viewer { uid hubs { hubId privilege } } service { name engine } }' }],
    [
      'a mutation',
      {
        query: documents.dial,
        variables: { hubId: 'team', input: { target: { uid: 'bob' }, roomId: 'r', roomType: 'video' } },
      },
    ],
    ['a mutation that is forbidden', { query: documents.message, variables: { hubId: 'elsewhere', input } }],
    [
      'an argument that is wrong',
      { query: documents.message, variables: { hubId: 'team', input: { ...input, duration: -1 } } },
    ],
    [
      'a payload that is too large',
      {
        query: documents.message,
        variables: { hubId: 'team', input: { ...input, payload: 'x'.repeat(70_000) } },
      },
    ],
    [
      'a variable of the wrong type',
      { query: documents.message, variables: { hubId: 'team', input: { scope: 1 } } },
    ],
    ['a missing variable', { query: documents.message, variables: { hubId: 'team' } }],
    ['a syntax error', { query: '{ viewer { uid }' }],
    ['a validation error', { query: '{ nonsense }' }],
    ['a call that is not there', { query: '{ call(callId: "nobody") { id } }' }],
    [
      'half an answer',
      { query: '{ service { name } viewer { uid } roomAccess(roomId: "r", uid: "u") { privilege } }' },
    ],
  ])('%s is answered over WebSocket as over HTTP', async (_, { query, variables }) => {
    const { url } = await startService({ engine: 'memory' });
    const token = await tokenFor('alice');
    const raw = await signedInWs(url, token);
    raw.subscribe('1', query, variables);
    const { type, payload } = await raw.next();
    const { data, errors } = type === 'error' ? { data: undefined, errors: payload } : payload;
    const overHttp = await post(url, token, query, variables);
    expect(normal({ data, errors })).toEqual(normal({ data: overHttp.data, errors: overHttp.errors }));
    if (type === 'next') expect(await raw.next()).toEqual({ id: '1', type: 'complete' });
  });

  test('a ping of the protocol is answered with its payload', async () => {
    const { url } = await startService({ engine: 'memory' });
    const raw = await signedInWs(url, undefined);
    raw.send({ type: 'ping', payload: { at: 1 } });
    expect(await raw.next()).toEqual({ type: 'pong', payload: { at: 1 } });
  });

  test('completing one subscription leaves the other one of the connection open', async () => {
    const node = await startService({ engine: 'memory' });
    const token = await tokenFor('alice');
    const raw = await signedInWs(node.url, token);
    for (const id of ['1', '2']) {
      raw.subscribe(id, shortDocument);
      await raw.nextOf('next', id);
    }
    raw.send({ id: '1', type: 'complete' });
    raw.subscribe('fence', '{ __typename }');
    await raw.nextOf('complete', 'fence');
    expect(node.stats()).toMatchObject({ sockets: 1, plans: 1 });
    await as(node.url, token).message({ target: { uid: 'alice' }, payload: 'hello' });
    expect(await raw.next()).toMatchObject({
      id: '2',
      payload: { data: { incomingSignal: { payload: 'hello' } } },
    });
  });
});

describe.each(engines)('an operation id that is used again, on %s', (engine) => {
  test('in the same breath as one that is refused, names the second only', async () => {
    const node = await startService({ engine });
    const raw = await signedInWs(node.url, await tokenFor('alice'));
    const { _socket: tcp } = raw.ws as unknown as { _socket: Socket };
    // One write, which arrives in one piece.
    tcp.cork();
    raw.subscribe('1', '{ nonsense }');
    raw.send({ id: '1', type: 'complete' });
    raw.subscribe('1', shortDocument);
    tcp.uncork();
    expect(await raw.next()).toMatchObject({
      payload: { data: { incomingSignal: { __typename: 'SocketReady' } } },
    });
    raw.send({ id: '1', type: 'complete' });
    await until('it is gone', () => node.stats().sockets === 0);
  });

  test.each([
    ['while the first subscription opens', false],
    ['when the first subscription is open', true],
  ])('%s, names the second only', async (_, waits) => {
    const node = await startService({ engine });
    const token = await tokenFor('alice');
    const raw = await signedInWs(node.url, token);
    raw.subscribe('1', shortDocument);
    if (waits) await raw.nextOf('next', '1');
    raw.send({ id: '1', type: 'complete' });
    raw.subscribe('1', shortDocument);
    expect(await raw.next()).toMatchObject({
      payload: { data: { incomingSignal: { __typename: 'SocketReady' } } },
    });
    await until('the first one is gone', () => node.stats().sockets === 1);

    await as(node.url, token).message({ target: { uid: 'alice' }, payload: 'hello' });
    expect(await raw.next()).toMatchObject({
      id: '1',
      type: 'next',
      payload: { data: { incomingSignal: { payload: 'hello' } } },
    });
    raw.send({ id: '1', type: 'complete' });
    await until('the second one is gone', () => node.stats().sockets === 0 && node.stats().plans === 0);
    await as(node.url, token).message({ target: { uid: 'alice' }, payload: 'too late' });
    raw.subscribe('fence', '{ __typename }');
    expect((await raw.next()).id).toBe('fence');
  });

  test('after a query that still ran, is not answered for it', async () => {
    const node = await startService({ engine });
    const raw = await signedInWs(node.url, await tokenFor('alice'));
    raw.subscribe('1', '{ viewer { uid } }');
    raw.send({ id: '1', type: 'complete' });
    raw.subscribe('1', shortDocument);
    expect(await raw.next()).toMatchObject({
      payload: { data: { incomingSignal: { __typename: 'SocketReady' } } },
    });
    raw.send({ id: '1', type: 'complete' });
    await until('nothing is left', () => node.stats().sockets === 0 && node.stats().plans === 0);
  });

  test('a subscription that is completed while it opens delivers nothing', async () => {
    const node = await startService({ engine });
    const raw = await signedInWs(node.url, await tokenFor('alice'));
    raw.subscribe('1', shortDocument);
    raw.send({ id: '1', type: 'complete' });
    raw.subscribe('first', '{ viewer { uid } }');
    expect((await raw.nextOf('complete')).id).toBe('first');
    await until('nothing is left', () => node.stats().sockets === 0 && node.stats().plans === 0);
    raw.subscribe('second', '{ viewer { uid } }');
    expect((await raw.next()).id).toBe('second');
  });
});

test('an operation whose id is longer than 128 characters is refused, and no other', async () => {
  const { url } = await startService({ engine: 'memory' });
  const raw = await signedInWs(url, await tokenFor('alice'));
  raw.subscribe('x'.repeat(129), shortDocument);
  expect(await raw.next()).toMatchObject({
    id: 'x'.repeat(129),
    type: 'error',
    payload: [{ extensions: { code: 'BAD_USER_INPUT' } }],
  });
  raw.subscribe('x'.repeat(128), shortDocument);
  expect(await raw.next()).toMatchObject({ id: 'x'.repeat(128), type: 'next' });
});

describe('a reader that stalls', () => {
  test('is cut off at 1 MiB unsent, while others receive everything and the process goes on', async () => {
    // Time stands still: it is not the heartbeat that cuts it off.
    const node = await startService({ engine: 'memory', overrides: { clock: manualClock() } });
    const alice = await tokenFor('alice');
    const other = await listen(node.url, await tokenFor('bob'), { transport: 'ws', query: shortDocument });
    const own = await listen(node.url, alice, { transport: 'ws' });
    const stalled = await signedInWs(node.url, await tokenFor('carol'));
    stalled.subscribe('1', shortDocument);
    await stalled.nextOf('next');
    let length = 0;
    stalled.ws.on('message', (data) => {
      length += String(data).length;
    });
    stalled.ws.pause();

    const payload = 'x'.repeat(60 * 1024);
    const origin = { socketId: own.ready.socketId };
    let sent = 0;
    for (; node.stats().sockets === 3 && sent < 1000; sent++)
      await as(node.url, alice).message({ target: { hubId: 'team' }, origin, payload });
    expect(node.stats().sockets).toBe(2);
    for (let received = 0; received < sent; received++) {
      expect((await other.next()).payload).toHaveLength(payload.length);
    }
    await as(node.url, alice).message({ target: { uid: 'bob' }, payload: 'still here' });
    expect(await other.next()).toMatchObject({ payload: 'still here' });

    // What the kernel had taken still arrives; the rest is what was unsent.
    stalled.ws.resume();
    expect(await stalled.closed).toMatchObject({ code: 1006 });
    const unsent = sent * payload.length - length;
    expect(unsent).toBeGreaterThan(1024 * 1024 - 2 * payload.length);
    expect(unsent).toBeLessThan(1024 * 1024 + 3 * payload.length);
  });
});

/** An answer without what differs each time. */
function normal({ data, errors }: Received): Received {
  const text = JSON.stringify({ data: data ?? null, errors: errors ?? null });
  return JSON.parse(
    text.replace(/"(sig|call)_[\w-]+"/g, '"an id"').replace(/"\d{4}-[\dT:.-]+Z"/g, '"a time"'),
  );
}
