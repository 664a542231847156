import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Signaling, SignalingError } from '../client/src/index.ts';
import { data } from './support/api.ts';
import { startChaosProxy } from './support/chaos-proxy.ts';
import { startChildNode } from './support/child-node.ts';
import { manualClock } from './support/clock.ts';
import { transports } from './support/listen.ts';
import { startRedis } from './support/redis-server.ts';
import { joined, type Member, type MemberOptions, member } from './support/sdk.ts';
import { engines, startService, tokenFor } from './support/service.ts';

const portOf = (url: string): number => Number(new URL(url).port);

/** A node behind a network of the test's own, with two people of the hub `team`; only Alice is behind that network. */
async function aliceAndBob(engine: (typeof engines)[number], options: MemberOptions = {}) {
  const node = await startService({ engine });
  const proxy = await startChaosProxy(portOf(node.url));
  const [alice, bob] = await Promise.all([joined(proxy.url, 'alice', options), joined(node.url, 'bob')]);
  return { node, proxy, alice, bob };
}

/** The numbers in what arrived. */
function numbers({ signals }: Member): unknown[] {
  return signals.all.flatMap((signal) => ('payload' in signal ? [signal.payload] : []));
}

async function disconnect(url: string, uid: string): Promise<void> {
  const token = await tokenFor('server', { admin: true });
  await data(url, token, 'mutation ($uid: ID!) { disconnectUser(uid: $uid) { sockets } }', { uid });
}

/** The error that a promise rejects with. */
async function errorOf(promise: Promise<unknown>): Promise<SignalingError> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SignalingError);
  return error as SignalingError;
}

describe.each(engines)('the client, on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test('goes from connecting to connected, and from a cut through reconnecting to recovered', async () => {
      const { proxy, alice, bob } = await aliceAndBob(engine, { transport });
      expect(alice.signaling).toMatchObject({ state: 'connected', closed: null, transport, uid: 'alice' });
      const former = alice.signaling.socketId;

      await bob.signaling.message({ uid: 'alice' }, 'note', 1);
      await alice.signals.next();
      proxy.cut();
      expect(await alice.until('reconnecting')).toMatchObject({ code: expect.any(String) });
      await bob.signaling.notify(['team'], 'note', 2);
      await bob.signaling.message({ uid: 'alice' }, 'note', 3);
      await alice.until('recovered');
      await bob.signaling.message({ uid: 'alice' }, 'note', 4);
      await expect.poll(() => numbers(alice)).toEqual([1, 2, 3, 4]);

      expect(alice.signaling.socketId).not.toBe(former);
      alice.signaling.close();
      expect(alice.states.all.map(({ state }) => state)).toEqual([
        'connected',
        'reconnecting',
        'recovered',
        'closed',
      ]);
      expect(alice.signaling).toMatchObject({ state: 'closed', closed: 'LEFT' });
      expect(alice.errors).toEqual([]);
    });

    test('comes back at once when told to, with its cursor', async () => {
      const { alice, bob } = await aliceAndBob(engine, { transport, retry: { firstMs: 60_000 } });
      alice.signaling.reconnect();
      await bob.signaling.message({ uid: 'alice' }, 'note', 1);
      await alice.until('recovered');
      await expect.poll(() => numbers(alice)).toEqual([1]);
    });

    test('tells each kind of signal by its own event, after `signal`', async () => {
      const { alice, bob } = await aliceAndBob(engine, { transport });
      const told: unknown[] = [];
      for (const event of ['notification', 'message', 'signal'] as const)
        alice.signaling.on(event, (signal: object) => told.push([event, (signal as { type: string }).type]));
      await bob.signaling.notify(['team'], 'a');
      await bob.signaling.message({ uid: 'alice' }, 'b');
      await bob.signaling.message({ socketId: alice.signaling.socketId ?? '' }, 'c');
      await bob.signaling.message({ hubId: 'team' }, 'd');
      await expect.poll(() => told).toHaveLength(8);
      expect(told).toEqual(
        ['a', 'b', 'c', 'd'].flatMap((type) => [
          ['signal', type],
          [type === 'a' ? 'notification' : 'message', type],
        ]),
      );
    });

    test('hands a signal out once that comes again through another hub', async () => {
      const { url } = await startService({ engine });
      const claims = { hubs: { team: 'write', b: 'read' } };
      const admin = await tokenFor('server', { admin: true });
      const grant = `mutation { grantHub(hubId: "a", uid: "alice", privilege: READ) { hubId } }`;
      await data(url, admin, grant);
      const alice = await joined(url, 'alice', { transport, claims });
      const bob = await joined(url, 'bob', { claims: { hubs: { team: 'write', a: 'write', b: 'write' } } });
      const { signalId } = await bob.signaling.notify(['a', 'b'], 'both');
      expect(await alice.signals.next()).toMatchObject({ id: signalId });

      await data(url, admin, `mutation { revokeHub(hubId: "a", uid: "alice") { hubId } }`);
      alice.signaling.reconnect();
      await alice.until('recovered');
      await bob.signaling.message({ uid: 'alice' }, 'fence');
      expect(await alice.signals.next()).toMatchObject({ type: 'fence' });
    });

    test('asks for a new token when the old one has ended, and misses nothing', async () => {
      const clock = manualClock();
      const { url } = await startService({ engine, overrides: { clock } });
      const alice = await joined(url, 'alice', {
        transport,
        getToken: ({ rejected }) => tokenFor('alice', { expiresIn: rejected ? 36_000 : 600 }),
      });
      const bob = await joined(url, 'bob', { claims: { expiresIn: 36_000 } });
      clock.advance(601_000);
      await alice.until('recovered');
      await bob.signaling.message({ uid: 'alice' }, 'note', 1);
      expect(await alice.signals.next()).toMatchObject({ payload: 1 });
      // What it sends has the new one too.
      await alice.signaling.message({ uid: 'bob' }, 'note', 2);
      expect(await bob.signals.next()).toMatchObject({ payload: 2 });
    });

    test('is closed when no token is accepted, and says so', async () => {
      const { url } = await startService({ engine });
      const mallory = member(url, 'mallory', { transport, claims: { secret: 'x'.repeat(32) } });
      expect(await errorOf(mallory.signaling.ready())).toMatchObject({ code: 'UNAUTHENTICATED' });
      expect(mallory.signaling).toMatchObject({ state: 'closed', closed: 'UNAUTHENTICATED' });
      expect(mallory.tokens.at(0)).toEqual({ rejected: false });
      expect(mallory.tokens.slice(1)).toEqual(mallory.tokens.slice(1).map(() => ({ rejected: true })));
    });

    test('keeps trying while no token can be had', async () => {
      const { url } = await startService({ engine });
      let isAway = true;
      const alice = member(url, 'alice', {
        transport,
        getToken: () => {
          if (isAway) throw new Error('the server for tokens is away');
          return tokenFor('alice');
        },
      });
      expect(await alice.states.next()).toMatchObject({ state: 'connecting', code: 'NO_TOKEN' });
      isAway = false;
      await alice.signaling.ready();
    });

    test('is closed for good when an administrator disconnects it', async () => {
      const { node, alice } = await aliceAndBob(engine, { transport });
      await disconnect(node.url, 'alice');
      expect(await alice.until('closed')).toMatchObject({ reason: 'DISCONNECTED' });
      expect(await errorOf(alice.signaling.message({ uid: 'bob' }, 'late'))).toMatchObject({
        code: 'CLOSED',
      });
      expect(await errorOf(alice.signaling.ready())).toMatchObject({ code: 'CLOSED' });
    });

    test('is closed when its user has opened too many others', async () => {
      const { url } = await startService({ engine, env: { LIMIT_SOCKETS_PER_USER: '1' } });
      const first = await joined(url, 'alice', { transport });
      await joined(url, 'alice');
      expect(await first.until('closed')).toMatchObject({ reason: 'TOO_MANY_SOCKETS' });
    });

    test('is closed when the service refuses what it asks for', async () => {
      const { url } = await startService({ engine });
      const alice = member(url, 'alice', { transport, hubIds: ['secret'] });
      const error = await errorOf(alice.signaling.ready());
      expect(error).toMatchObject({ code: 'FORBIDDEN', field: 'hubIds[0]', retryable: false });
      expect(alice.states.all).toEqual([{ state: 'closed', reason: 'REFUSED', error }]);
    });

    test('says why it could not recover, with the calls that are alive', async () => {
      const { proxy, alice, bob } = await aliceAndBob(engine, { transport, claims: { hubs: { team: 31 } } });
      const calls = alice.on('calls');
      const starts: unknown[] = [];
      alice.signaling.on('calls', (live, reason) => starts.push([live.map(({ peer }) => peer), reason]));
      await bob.signaling.message({ uid: 'alice' }, 'note', 1);
      await alice.signals.next();

      const other = await startService({ engine });
      const carol = await joined(other.url, 'carol');
      const tablet = await joined(other.url, 'alice', { deviceId: 'tablet' });
      await carol.signaling.dial('alice');
      proxy.pointTo(portOf(other.url));
      proxy.cut();
      expect(await alice.until('connected')).toEqual({ state: 'connected', reason: null });
      expect(await alice.until('connected')).toEqual({ state: 'connected', reason: 'EPOCH' });
      await calls.next();
      expect(starts).toEqual([[['carol'], 'EPOCH']]);
      tablet.signaling.close();
      // The numbers of another log begin anew.
      await carol.signaling.message({ uid: 'alice' }, 'note', 2);
      await expect.poll(() => numbers(alice).filter((payload) => payload !== null)).toEqual([1, 2]);
    });

    test('gives up a connection that says nothing any more', async () => {
      const { proxy, alice, bob } = await aliceAndBob(engine, { transport, heartbeatMs: 50, pongMs: 50 });
      proxy.freeze('open');
      // On SSE nobody can be asked: the silence is noticed when twice the time of a sign of life is over.
      expect(await alice.until('reconnecting')).toMatchObject({ code: 'SILENT' });
      await bob.signaling.message({ uid: 'alice' }, 'note', 1);
      await expect.poll(() => numbers(alice)).toEqual([1]);
      proxy.thaw();
    });

    test('tries again at once when the network comes back', async () => {
      const page = pageEvents();
      const { proxy, alice } = await aliceAndBob(engine, {
        transport,
        retry: { firstMs: 3_600_000, mostMs: 3_600_000 },
      });
      proxy.cut();
      await alice.until('reconnecting');
      page.dispatchEvent(new Event('online'));
      await alice.until('recovered');

      proxy.cut();
      await alice.until('reconnecting');
      page.visibilityState = 'visible';
      page.dispatchEvent(new Event('visibilitychange'));
      await alice.until('recovered');
    });

    test('repeats with the same key what was answered and never arrived', async () => {
      const { proxy, alice, bob } = await aliceAndBob(engine, { transport });
      for (const [number, field] of ['message(', 'notify(', 'dial('].entries()) {
        proxy.loseAnswerTo(field);
        if (field === 'message(') await alice.signaling.message({ uid: 'bob' }, 'note', number);
        else if (field === 'notify(') await alice.signaling.notify(['team'], 'note', number);
        else await alice.signaling.dial('bob', { payload: number });
      }
      await alice.signaling.message({ uid: 'bob' }, 'fence', 'fence');
      await bob.signals.until((signal) => 'type' in signal && signal.type === 'fence');
      expect(numbers(bob)).toEqual([0, 1, 2, 'fence']);
      expect(await alice.signaling.activeCalls()).toHaveLength(1);
    });

    test('sends with its next socket what the last one was gone for', async () => {
      const { proxy, alice, bob } = await aliceAndBob(engine, { transport });
      const former = alice.signaling.socketId;
      proxy.freeze('open');
      await disconnectSocket(alice.signaling, proxy.url);
      await alice.signaling.message({ uid: 'bob' }, 'note', 1);
      // What asked whether the former socket is gone may have reached bob while it was not.
      const arrived = await bob.signals.until((signal) => 'payload' in signal && signal.payload === 1);
      expect(arrived.origin?.socketId).toBe(alice.signaling.socketId);
      expect(arrived.origin?.socketId).not.toBe(former);
      proxy.thaw();
    });
  });

  test('falls back to server-sent events where WebSockets are refused', async () => {
    const { url } = await startService({ engine });
    const proxy = await startChaosProxy(portOf(url));
    proxy.webSockets('refuse');
    const alice = await joined(proxy.url, 'alice');
    expect(alice.signaling.transport).toBe('sse');
    expect(alice.states.all.map(({ state }) => state)).toEqual(['connecting', 'connecting', 'connected']);
    const bob = await joined(url, 'bob');
    await bob.signaling.message({ uid: 'alice' }, 'note', 1);
    expect(await alice.signals.next()).toMatchObject({ payload: 1 });

    // Who had none does not wait for one again.
    proxy.cut();
    await alice.until('recovered');
    expect(alice.signaling.transport).toBe('sse');
  });

  test('falls back to server-sent events where WebSockets are swallowed', async () => {
    const { url } = await startService({ engine });
    const proxy = await startChaosProxy(portOf(url));
    proxy.webSockets('swallow');
    const alice = await joined(proxy.url, 'alice', { connectTimeoutMs: 400 });
    expect(alice.signaling.transport).toBe('sse');
  });

  test('does not leave WebSockets for good when the service was away', async () => {
    const { url } = await startService({ engine });
    const proxy = await startChaosProxy(portOf(url));
    const alice = await joined(proxy.url, 'alice');
    proxy.webSockets('refuse');
    proxy.cut();
    await alice.until('recovered');
    expect(alice.signaling.transport).toBe('sse');
    proxy.webSockets('pass');
    proxy.cut();
    await alice.until('recovered');
    expect(alice.signaling.transport).toBe('ws');
  });

  test('stays with the one transport that it was told', async () => {
    const { url } = await startService({ engine });
    const proxy = await startChaosProxy(portOf(url));
    proxy.webSockets('refuse');
    const alice = member(proxy.url, 'alice', { transport: 'ws' });
    for (let i = 0; i < 5; i++)
      expect(await alice.states.next()).toMatchObject({ state: 'connecting', code: expect.any(String) });
    expect(alice.signaling.transport).toBe('ws');
    proxy.webSockets('pass');
    await alice.signaling.ready();
  });

  test('tells what a method is refused with', async () => {
    const { alice } = await aliceAndBob(engine);
    expect(await errorOf(alice.signaling.dial('alice'))).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'input.target.uid',
      retryable: false,
    });
    expect(await errorOf(alice.signaling.notify(['elsewhere'], 'note'))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await errorOf(alice.signaling.hangUp('call_none'))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await errorOf(alice.signaling.request('{ nothing }'))).toMatchObject({
      code: 'GRAPHQL_VALIDATION_FAILED',
    });
  });

  test('ends a method when its time is over', async () => {
    const { proxy, alice } = await aliceAndBob(engine);
    proxy.freeze('all');
    const error = await errorOf(alice.signaling.message({ uid: 'bob' }, 'note', 1, { timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'TIMEOUT', retryable: true });
    proxy.thaw();
  });

  test('asks for a new token when a method is refused for the old one', async () => {
    const { url } = await startService({ engine });
    const alice = member(url, 'alice', {
      getToken: ({ rejected }) => tokenFor('alice', { expiresIn: rejected ? 600 : -600 }),
    });
    expect(await alice.signaling.activeCalls()).toEqual([]);
    await alice.signaling.ready();
  });

  test('tells what its handlers threw, and goes on', async () => {
    const { alice, bob } = await aliceAndBob(engine);
    alice.signaling.on('message', () => {
      throw new Error('a handler');
    });
    alice.signaling.on('message', async () => {
      throw new Error('a promise');
    });
    const after = alice.on('message');
    await bob.signaling.message({ uid: 'alice' }, 'note');
    await after.next();
    await expect
      .poll(() => alice.errors.map((error) => (error as Error).message))
      .toEqual(['a handler', 'a promise']);
  });

  test('takes a handler off again', async () => {
    const { alice, bob } = await aliceAndBob(engine);
    const taken: unknown[] = [];
    const off = alice.signaling.on('message', ({ payload }) => taken.push(payload));
    const after = alice.on('message');
    await bob.signaling.message({ uid: 'alice' }, 'note', 1);
    await after.next();
    off();
    await bob.signaling.message({ uid: 'alice' }, 'note', 2);
    await after.next();
    expect(taken).toEqual([1]);
  });
});

test('needs nothing of a page to be loaded, and takes an address in many forms', async () => {
  const { url } = await startService({ engine: 'memory' });
  for (const form of [url, `${url}/`, `${url}/graphql`, url.replace('http', 'ws')])
    await joined(form, 'alice');
});

describe.each(transports)('over %s, when the node that serves it', (transport) => {
  const env = async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    return { REDIS_URL: redis.url };
  };

  test('is killed, the client goes on with another: each signal once, in order', async () => {
    const settings = await env();
    const [first, second] = await Promise.all([startChildNode(settings), startChildNode(settings)]);
    const proxy = await startChaosProxy(portOf(first.url));
    const alice = await joined(proxy.url, 'alice', { transport });
    const bob = await joined(second.url, 'bob');
    const send = (from: number, to: number) => sendNumbers(bob.signaling, from, to);

    await send(0, 50);
    const sending = send(50, 200);
    await expect.poll(() => numbers(alice).length).toBeGreaterThan(60);
    proxy.pointTo(portOf(second.url));
    await first.end('SIGKILL');
    await alice.until('recovered');
    await sending;
    await expect.poll(() => numbers(alice)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  }, 40_000);

  test('stops in good order, the client is told and goes on with another', async () => {
    const settings = await env();
    const [first, second] = await Promise.all([startChildNode(settings), startChildNode(settings)]);
    const proxy = await startChaosProxy(portOf(first.url));
    const alice = await joined(proxy.url, 'alice', { transport });
    const bob = await joined(second.url, 'bob');
    await sendNumbers(bob.signaling, 0, 10);
    proxy.pointTo(portOf(second.url));
    await first.end('SIGTERM');
    expect(await alice.until('reconnecting')).toMatchObject({ code: 'SHUTTING_DOWN' });
    await sendNumbers(bob.signaling, 10, 20);
    await alice.until('recovered');
    await expect.poll(() => numbers(alice)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  }, 40_000);
});

async function sendNumbers(signaling: Signaling, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) await signaling.message({ uid: 'alice' }, 'number', number);
}

/** Closes somebody's socket behind their back: they come through a network that tells them nothing. */
async function disconnectSocket(signaling: Signaling, url: string): Promise<void> {
  const { uid, socketId } = signaling;
  await disconnect(url, uid ?? '');
  const token = await tokenFor(uid ?? '');
  const document = `mutation ($socketId: ID!) {
    notify(hubId: "team", input: { recipients: ["team"], socketId: $socketId }) { signalId }
  }`;
  await vi.waitFor(() =>
    expect(data(url, token, document, { socketId })).rejects.toThrow('not an open socket'),
  );
}

/** What a page has and plain Node has not: events of its window and its document. */
function pageEvents(): EventTarget & { visibilityState: string } {
  const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  const names = ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const;
  for (const name of names) vi.stubGlobal(name, page[name].bind(page));
  vi.stubGlobal('document', page);
  onTestFinished(() => void vi.unstubAllGlobals());
  return page;
}
