import { afterEach, expect, inject, test, vi } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { startChildNode } from './support/child-node.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { connectRedis } from './support/engine.ts';
import { listenDocument } from './support/listen.ts';
import { idsOf, person } from './support/person.ts';
import { randomPrefix, startService } from './support/service.ts';

/** A lease, and how often it is renewed, in milliseconds. */
const leaseMs = 8000;
const renewMs = 2000;

/** How often sockets whose grace is over are looked for, in milliseconds. */
const sweepMs = 1000;

const ring = { target: { uid: 'bob' }, roomId: 'room', roomType: 'video' };

const resumeDocument = listenDocument
  .replace('(', '($resumeToken: String, ')
  .replace('incomingSignal(', 'incomingSignal(resumeToken: $resumeToken, ')
  .replace('SocketReady {', 'SocketReady { resumeToken resumed');

afterEach(() => {
  vi.restoreAllMocks();
});

/** An installation whose nodes each have a clock of their own: one whose clock stands still renews nothing, as if dead. */
function installation() {
  const prefix = randomPrefix();
  const keys = createKeys(prefix);
  const redis = connectRedis();

  async function start(clock: ManualClock = manualClock(), env: NodeJS.ProcessEnv = {}) {
    const node = await startService({ engine: 'redis', prefix, env, overrides: { clock } });
    return { ...node, clock };
  }

  /** The ids of all nodes in the registry, with the ends of their leases. */
  async function leases(): Promise<Map<string, number>> {
    const flat = await redis.zrange(keys.nodes, '0', '-1', 'WITHSCORES');
    return new Map(
      flat.flatMap((id, i): [string, number][] => (i % 2 === 0 ? [[id, Number(flat[i + 1])]] : [])),
    );
  }

  /** Lets the time of a node pass until its sweeps have removed another: each forgets a bounded number of sockets. */
  async function untilGone(id: string, clock: ManualClock): Promise<void> {
    await vi.waitFor(
      async () => {
        clock.advance(sweepMs);
        expect([...(await leases()).keys()]).not.toContain(id);
      },
      { interval: 20 },
    );
  }

  /** The only node there is. */
  async function onlyNode(): Promise<{ id: string; until: number }> {
    const [[id = '', until = 0] = [], ...others] = await leases();
    expect(others).toEqual([]);
    return { id, until };
  }

  /** Lets the time of a node pass; it renews its lease as it does every two seconds. */
  async function pass(ms: number, clock: ManualClock): Promise<void> {
    for (let left = ms; left > 0; left -= renewMs) {
      clock.advance(Math.min(left, renewMs));
      if (left < renewMs) return;
      const until = clock.now() + leaseMs;
      await vi.waitFor(async () => expect([...(await leases()).values()]).toContain(until), { interval: 2 });
    }
  }

  /** How many keys there are that speak of a node or of a socket. */
  function traces(nodeId: string, socketId: string): Promise<number> {
    return redis.exists(keys.nodeSockets(nodeId), keys.nodeCounts(nodeId), keys.owner(socketId));
  }

  return { prefix, keys, redis, start, onlyNode, untilGone, pass, traces };
}

test.each([
  [0, 'its lease ends'],
  [30, 'their grace after its lease is over'],
])(
  'with %i s of grace, a dial sees the sockets of a killed node until %s, and never after',
  async (grace) => {
    const { prefix, start, onlyNode, pass } = installation();
    const env = { GRACE_SECONDS: `${grace}` };
    const killed = await startChildNode({ REDIS_URL: inject('redisUrl'), REDIS_PREFIX: prefix, ...env });
    const bob = await person(killed.url, 'bob');
    const phone = await bob.open({ variables: { deviceId: 'phone' } });
    const stream = { streamId: 'camera', socketId: phone.ready.socketId };
    await bob.message({ target: { uid: 'alice' }, origin: stream });
    await killed.end('SIGKILL');
    const { until } = await onlyNode();

    const { url, clock } = await start(manualClock(), env);
    const alice = await person(url, 'alice');
    const socketId = (await alice.open()).ready.socketId;
    const counted = async () => (await alice.notify({ recipients: ['team'], socketId })).hubs;
    await pass(until - 1 - clock.now(), clock);
    expect(await counted()).toEqual([{ hubId: 'team', sockets: 2, nodes: 2 }]);
    await pass(grace * 1000, clock);

    const { call, offline } = await alice.dial(ring);
    expect({ call, offline }).toMatchObject({ offline: false, call: { state: 'RINGING', legs: 1 } });
    expect(await alice.message({ target: { socketId: phone.ready.socketId } })).toMatchObject({
      offline: false,
    });
    expect(
      await alice.refused('message', { target: { uid: 'bob' }, origin: { ...stream, socketId } }),
    ).toMatchObject({
      field: 'input.origin.streamId',
    });

    // Else the next dial would join it.
    await alice.hangUp(call.id);
    await pass(1, clock);

    expect(await alice.dial(ring)).toMatchObject({
      offline: true,
      call: { state: 'ENDED', reason: 'UNREACHABLE', legs: 0 },
    });
    expect(await alice.message({ target: { socketId: phone.ready.socketId } })).toMatchObject({
      offline: true,
    });
    expect(await alice.message({ target: { uid: 'bob' } })).toMatchObject({ offline: true });
    expect(await counted()).toEqual([{ hubId: 'team', sockets: 1, nodes: 1 }]);
    // Its streams are free for others.
    await alice.message({ target: { uid: 'bob' }, origin: { ...stream, socketId } });
  },
);

test('a node that renews its lease is seen however long it lives', async () => {
  const { start, pass } = installation();
  const clock = manualClock();
  const [one, other] = [await start(clock), await start(clock)];
  const alice = await person(one.url, 'alice');
  await (await person(other.url, 'bob')).open();

  await pass(60_000, clock);

  expect(await alice.dial(ring)).toMatchObject({ offline: false, call: { legs: 1 } });
});

test('what a dead node left in the registry is removed by another', async () => {
  const { keys, redis, start, onlyNode, untilGone, pass, traces } = installation();
  const dead = await start();
  const { ready } = await (await person(dead.url, 'bob')).open();
  const { id, until } = await onlyNode();
  expect(await traces(id, ready.socketId)).toBe(3);
  expect(await redis.hkeys(keys.sockets('bob'))).toEqual([ready.socketId]);

  const { clock } = await start();
  await pass(until - 1 - clock.now(), clock);
  expect(await traces(id, ready.socketId)).toBe(3);

  await untilGone(id, clock);
  await vi.waitFor(async () => expect(await traces(id, ready.socketId)).toBe(0), { interval: 5 });
  expect(await redis.exists(keys.sockets('bob'))).toBe(0);
  expect(await onlyNode()).not.toMatchObject({ id });
});

test('all of it is removed, however many sockets the dead node had', async () => {
  const { keys, redis, start, untilGone } = installation();
  const pipeline = redis.pipeline().zadd(keys.nodes, 1, 'dead').hset(keys.nodeCounts('dead'), 'team', 2500);
  for (let i = 0; i < 2500; i++) {
    const [socketId, uid] = [`s${i}`, `u${i % 10}`];
    const registered = `dead 1 0 ${JSON.stringify({ socketId, generation: 1, keys: [] })}`;
    pipeline.hset(keys.nodeSockets('dead'), socketId, uid);
    pipeline.hset(keys.sockets(uid), socketId, registered).set(keys.owner(socketId), `dead 0 ${uid}`);
  }
  await pipeline.exec();

  const { clock } = await start();
  await untilGone('dead', clock);
  const [, left] = await redis.scan(0, 'MATCH', `${keys.owner('')}*`, 'COUNT', 100_000);
  expect(left).toEqual([]);
  expect(await redis.exists(keys.sockets('u0'), keys.nodeSockets('dead'), keys.nodeCounts('dead'))).toBe(0);
});

test('a node whose lease ran out keeps its id and its sockets, and nothing is lost', async () => {
  const { keys, redis, start, onlyNode, pass } = installation();
  const { url, clock } = await start();
  const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
  const phone = await bob.open({ variables: { deviceId: 'phone' } });
  const before = await onlyNode();

  // The process slept: its own clock says so, whatever Redis thinks.
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + leaseMs + 1);
  const { signalId } = await alice.message({ target: { uid: 'bob' } });
  clock.advance(leaseMs + 1);

  expect(await phone.next()).toMatchObject({ id: signalId });
  expect(await onlyNode()).toMatchObject({ id: before.id });
  expect(await redis.hkeys(keys.sockets('bob'))).toEqual([phone.ready.socketId]);
  const dialled = await alice.dial(ring);
  expect(dialled).toMatchObject({ offline: false, call: { legs: 1 } });
  expect(await phone.next()).toMatchObject({ id: dialled.signalId });

  // Once is enough: the lease holds again.
  await pass(2 * renewMs, clock);
  expect(await phone.heard()).toEqual([]);
  expect(phone.received.filter(({ __typename }) => __typename === 'SocketReady')).toHaveLength(1);
});

test('a node whose lease ran out, and that is told something before it renews it, renews it first', async () => {
  const { start, onlyNode } = installation();
  const { url, clock } = await start();
  const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
  const phone = await bob.open();
  const before = await onlyNode();

  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + leaseMs + 1);
  const sent: string[] = [];
  for (let i = 0; i < 5; i++) sent.push((await alice.message({ target: { uid: 'bob' } })).signalId);

  const heard = await phone.heard();
  expect(idsOf(heard)).toEqual(sent);
  expect(await onlyNode()).toEqual({ id: before.id, until: clock.now() + leaseMs });
});

test('a node that others took for dead notices with its next renewal: its sockets stay open, and are known again', async () => {
  const { keys, redis, start, onlyNode, untilGone, pass } = installation();
  const asleep = await start();
  const bob = await person(asleep.url, 'bob');
  const phone = await bob.open();
  const { id, until } = await onlyNode();
  const awake = await start();
  const alice = await person(awake.url, 'alice');
  await pass(until - awake.clock.now(), awake.clock);
  await untilGone(id, awake.clock);
  await vi.waitFor(async () => expect(await redis.hkeys(keys.sockets('bob'))).toEqual([]), { interval: 5 });
  const missed = await alice.dial(ring);
  expect(missed).toMatchObject({ offline: true });

  asleep.clock.advance(awake.clock.now() - asleep.clock.now());

  await vi.waitFor(
    async () => expect(await redis.hkeys(keys.sockets('bob'))).toEqual([phone.ready.socketId]),
    { interval: 5 },
  );
  const { signalId } = await alice.dial(ring);
  const rung = await phone.nextOf('IncomingCall');
  expect(rung).toMatchObject({ id: signalId, call: { legs: 1 } });
  const { hubs } = await alice.notify({
    recipients: ['team'],
    socketId: (await alice.open()).ready.socketId,
  });
  expect(hubs).toEqual([{ hubId: 'team', sockets: 2, nodes: 2 }]);
  expect(phone.received.filter(({ __typename }) => __typename.startsWith('Socket'))).toHaveLength(1);
});

test('a socket that was taken up elsewhere while its node slept ends there when the node wakes', async () => {
  const { start, onlyNode, pass } = installation();
  const env = { GRACE_SECONDS: '30' };
  const asleep = await start(manualClock(), env);
  const bob = await person(asleep.url, 'bob');
  const phone = await bob.open({ query: resumeDocument });
  const { until } = await onlyNode();
  const awake = await start(manualClock(), env);
  await pass(until - awake.clock.now(), awake.clock);

  const there = await person(awake.url, 'bob');
  const { resumeToken } = phone.ready;
  const back = await there.open({ query: resumeDocument, variables: { resumeToken } });
  expect(back.ready).toMatchObject({ socketId: phone.ready.socketId, resumed: true });
  // Nobody told the former connection, which nobody took for alive.
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + leaseMs + 1);
  asleep.clock.advance(awake.clock.now() - asleep.clock.now());

  expect(await phone.nextOf('SocketClosing')).toMatchObject({ code: 'REPLACED', reconnect: false });
  await phone.ended;
  const alice = await person(awake.url, 'alice');
  const { signalId } = await alice.message({ target: { socketId: back.ready.socketId } });
  expect(await back.next()).toMatchObject({ id: signalId });
});

test('a node that was stopped is not seen from then on, and the next sweep of another removes it', async () => {
  const { start, onlyNode, untilGone } = installation();
  const stopped = await start();
  await (await person(stopped.url, 'bob')).open();
  const { id } = await onlyNode();
  const { url, clock } = await start();
  const alice = await person(url, 'alice');
  const { call, offline } = await alice.dial(ring);
  expect(offline).toBe(false);
  await alice.hangUp(call.id);

  await stopped.stop();

  expect(await alice.dial(ring)).toMatchObject({ offline: true });
  await untilGone(id, clock);
});
