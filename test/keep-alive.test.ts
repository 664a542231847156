import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createWheel } from '../src/signaling/clock.ts';
import { createSignsOfLife } from '../src/signaling/signs-of-life.ts';
import { createSocket, type Socket } from '../src/signaling/socket.ts';
import { post } from './support/api.ts';
import { startChaosProxy } from './support/chaos-proxy.ts';
import { manualClock } from './support/clock.ts';
import { openSocket, pass, startPair } from './support/grace.ts';
import { transports } from './support/listen.ts';
import { operations } from './support/operations.ts';
import { until } from './support/raw.ts';
import { joined } from './support/sdk.ts';
import { engines, tokenFor } from './support/service.ts';

const seconds = (count: number): number => count * 1000;

describe.each(engines)('keepAlive, on %s', (engine) => {
  /** Alice's socket on one node; her signs reach the other, where there is one. */
  async function begin(transport: (typeof transports)[number] = 'sse') {
    const pair = await startPair(engine);
    const token = await tokenFor('alice');
    const socket = await openSocket(pair.node.url, token, { deviceId: 'phone' }, transport);
    const { socketId } = socket.ready;
    const sign = (variables: object = {}, url = pair.other.url) =>
      post(url, token, operations.keepAlive, { socketId, ...variables });
    return { ...pair, token, socket, sign, later: (ms: number) => pass(pair.clock, pair.urls, ms) };
  }

  test.each(transports)('a client that gives signs is missed when they end, over %s', async (transport) => {
    const { clock, node, token, socket, sign, later } = await begin(transport);
    for (const _ of [1, 2, 3]) {
      const { data } = await sign();
      expect(data.keepAlive.socketId).toBe(socket.ready.socketId);
      expect(Date.parse(data.keepAlive.nextBy)).toBe(clock.now() + seconds(17));
      await later(seconds(8));
      expect(node.stats().sockets).toBe(1);
    }
    await later(seconds(12));
    await socket.ended;
    // It may come back: what nobody had to say is no farewell.
    expect(socket.received.map(({ __typename }) => __typename)).toEqual(['SocketReady']);
    await until('the socket is gone from the node', () => node.stats().sockets === 0);
    const { resumeToken, socketId } = socket.ready;
    const again = await openSocket(node.url, token, { resumeToken });
    expect(again.ready).toMatchObject({ resumed: true, socketId });
  });

  test('a client says itself how long to wait, and that it gives no more signs', async () => {
    const { clock, node, socket, sign, later } = await begin();
    const { data } = await sign({ nextWithinSeconds: 60 });
    expect(Date.parse(data.keepAlive.nextBy)).toBe(clock.now() + seconds(60));
    await later(seconds(55));
    expect((await sign({ nextWithinSeconds: 0 })).data.keepAlive.nextBy).toBeNull();
    await later(seconds(100));
    expect(node.stats().sockets).toBe(1);
    await sign({ nextWithinSeconds: 5 }, node.url);
    await later(seconds(10));
    await socket.ended;
  });

  test('a sign means one socket and no other', async () => {
    const { node, token, sign, later } = await begin();
    const other = await openSocket(node.url, token, { deviceId: 'laptop' });
    await sign({ socketId: other.ready.socketId });
    await later(seconds(20));
    await other.ended;
    await until('one is left', () => node.stats().sockets === 1);
  });

  test('is refused for what is no open socket of the caller, and for a time out of bounds', async () => {
    const { node, socket, sign } = await begin();
    const bob = await openSocket(node.url, await tokenFor('bob'));
    const refused = async (variables: object) => {
      const { errors } = await sign(variables);
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', retryable: false } }]);
      return errors?.[0]?.extensions['field'];
    };
    expect(await refused({ socketId: bob.ready.socketId })).toBe('socketId');
    expect(await refused({ socketId: 'sock_nobody' })).toBe('socketId');
    expect(await refused({ socketId: 'no id' })).toBe('socketId');
    for (const nextWithinSeconds of [-1, 4, 61])
      expect(await refused({ nextWithinSeconds })).toBe('nextWithinSeconds');
    socket.close();
    await until('it is in grace', async () => (await sign()).errors !== undefined);
    expect(await refused({})).toBe('socketId');
  });

  test('the SDK gives signs over server-sent events while there is a call, and only then', async () => {
    const { clock, node, urls } = await startPair(engine);
    const proxy = await startChaosProxy(Number(new URL(node.url).port));
    const given = watchSigns();
    const alice = await joined(proxy.url, 'alice', { transport: 'sse' });
    await openSocket(node.url, await tokenFor('bob'), { deviceId: 'phone' });
    expect(given()).toEqual([]);
    const { socketId } = alice.signaling;
    const sign = { socketId, status: 200 };
    const call = await alice.signaling.dial('bob');
    await vi.waitFor(() => expect(given()).toEqual([sign]), { interval: 5 });
    await call.hangUp();
    await vi.waitFor(() => expect(given().slice(1)).toEqual([{ ...sign, seconds: 0 }]), { interval: 5 });
    await pass(clock, urls, seconds(60));
    expect(node.stats().sockets).toBe(2);

    await alice.signaling.dial('bob');
    await vi.waitFor(() => expect(given().slice(2)).toEqual([sign]), { interval: 5 });
    proxy.freeze('all');
    await pass(clock, urls, seconds(20));
    await until('the silent one is missed', () => node.stats().sockets === 1);
  });
});

describe('the SDK', () => {
  async function begin(alter?: Alter) {
    const { node } = await startPair('memory');
    const proxy = await startChaosProxy(Number(new URL(node.url).port));
    const given = watchSigns(alter);
    const alice = await joined(proxy.url, 'alice', { transport: 'sse' });
    await openSocket(node.url, await tokenFor('bob'), { deviceId: 'phone' });
    return { proxy, given, alice, call: await alice.signaling.dial('bob') };
  }

  test('goes on with a stream that is back, however late a sign for the one before is answered', async () => {
    const { proxy, given, alice } = await begin(async (send) => {
      const response = await send();
      await new Promise((resolve) => setTimeout(resolve, 300));
      return response;
    });
    await vi.waitFor(() => expect(given()).toHaveLength(1), { interval: 5 });
    proxy.cut();
    await alice.until('recovered');
    await vi.waitFor(() => expect(given()).toHaveLength(2), { interval: 5 });
    expect(alice.states.all.map(({ state }) => state)).toEqual(['connected', 'reconnecting', 'recovered']);
  });

  test('does not repeat a sign that was lost: it would come after the last one', async () => {
    let isLost = true;
    const { given, alice, call } = await begin((send) => {
      if (!isLost) return send();
      isLost = false;
      return Promise.reject(new TypeError('fetch failed'));
    });
    await call.hangUp();
    await vi.waitFor(() => expect(given()).toHaveLength(1), { interval: 5 });
    await alice.signaling.dial('bob');
    await vi.waitFor(() => expect(given()).toHaveLength(2), { interval: 5 });
    expect(given().map(({ seconds: last }) => last)).toEqual([0, undefined]);
    expect(alice.errors).toEqual([]);
  });
});

/** What becomes of a sign on its way. */
type Alter = (send: () => Promise<Response>) => Promise<Response>;

/** The signs that SDKs gave in this process and that were answered, and how. */
function watchSigns(alter: Alter = (send) => send()) {
  const given: { socketId: string; seconds?: number; status: number }[] = [];
  const real = globalThis.fetch;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (...request) => {
    const { query, variables } = JSON.parse(String(request[1]?.body ?? '{}'));
    if (!query?.includes('keepAlive')) return real(...request);
    const response = await alter(() => real(...request));
    given.push({ ...variables, status: response.status });
    return response;
  });
  onTestFinished(() => spy.mockRestore());
  return () => given;
}

/** Signs for sockets without a node. */
function signs(sockets: Socket[]) {
  const clock = manualClock();
  const exchange = { losses: 0, isBehind: false, listeners: () => sockets };
  const { take, heard } = createSignsOfLife({ exchange, clock, wheel: createWheel(clock) });
  return {
    clock,
    exchange,
    heard,
    take: () => take('user:alice', { socketId: 'sock_1', nextWithinMs: 17_000 }),
  };
}

function openedSocket(generation = 1) {
  let isCut = false;
  const socket = createSocket({
    uid: 'alice',
    identity: {} as Socket['identity'],
    record: { socketId: 'sock_1', generation } as Socket['record'],
    sink: {
      write() {},
      writeNow() {},
      end() {},
      cut() {
        isCut = true;
      },
      gone: false,
      isClear: true,
    },
    kinds: null,
    hubIds: null,
  });
  socket.ready = true;
  return { socket, isCut: () => isCut };
}

test('rubbish that is announced as a sign changes nothing', () => {
  const { socket, isCut } = openedSocket();
  const { clock, heard } = signs([socket]);
  const bodies = ['', 'null', '7', '{"socketId":1,"nextWithinMs":5000}', '{"socketId":"sock_1"}'];
  for (const body of [...bodies, '{"socketId":"sock_1","nextWithinMs":"5000"}']) {
    expect(() => heard('user:alice', body)).not.toThrow();
    clock.advance(seconds(60));
    expect(isCut()).toBe(false);
  }
  heard('user:alice', '{"socketId":"sock_1","nextWithinMs":5000}');
  clock.advance(seconds(6));
  expect(isCut()).toBe(true);
});

test('a sign is for a socket that is still opening no more than for another one', () => {
  const { socket } = openedSocket();
  socket.ready = false;
  expect(signs([socket]).take()).toBe(false);
});

test('a sign is for a socket also while its former connection is on the same node', () => {
  const [former, latter] = [openedSocket(1), openedSocket(2)];
  const { clock, take } = signs([former.socket, latter.socket]);
  expect(take()).toBe(true);
  clock.advance(seconds(18));
  expect([former.isCut(), latter.isCut()]).toEqual([true, true]);
});

describe('while the node hears nothing of the others', () => {
  function begin() {
    const { socket, isCut } = openedSocket();
    const life = signs([socket]);
    expect(life.take()).toBe(true);
    return { ...life, isCut };
  }

  test('no sign is missed, nor is the one that it may have missed', () => {
    const { clock, exchange, isCut } = begin();
    clock.advance(seconds(10));
    exchange.losses++;
    exchange.isBehind = true;
    for (const _ of [1, 2, 3]) clock.advance(seconds(19));
    expect(isCut()).toBe(false);
    exchange.isBehind = false;
    clock.advance(seconds(19));
    expect(isCut()).toBe(true);
  });

  test('a loss that was made up for gives the next sign its time', () => {
    const { clock, exchange, isCut } = begin();
    exchange.losses++;
    clock.advance(seconds(19));
    expect(isCut()).toBe(false);
    clock.advance(seconds(19));
    expect(isCut()).toBe(true);
  });
});
