import { afterEach, expect, inject, test, vi } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { startChildNode } from './support/child-node.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { connectRedis } from './support/engine.ts';
import { person } from './support/person.ts';
import { randomPrefix, startService } from './support/service.ts';

/** A lease, and how often it is renewed, in milliseconds. */
const leaseMs = 8000;
const renewMs = 2000;

const ring = { target: { uid: 'bob' }, roomId: 'room', roomType: 'video' };

afterEach(() => {
  vi.restoreAllMocks();
});

/** An installation whose nodes each have a clock of their own: one whose clock stands still renews nothing, as if dead. */
function installation() {
  const prefix = randomPrefix();
  const keys = createKeys(prefix);
  const redis = connectRedis();

  async function start(clock: ManualClock = manualClock()) {
    const node = await startService({ engine: 'redis', prefix, overrides: { clock } });
    return { ...node, clock };
  }

  /** The ids of all nodes in the registry, with the ends of their leases. */
  async function leases(): Promise<Map<string, number>> {
    const flat = await redis.zrange(keys.nodes, '0', '-1', 'WITHSCORES');
    return new Map(
      flat.flatMap((id, i): [string, number][] => (i % 2 === 0 ? [[id, Number(flat[i + 1])]] : [])),
    );
  }

  /** Waits until the registry holds no such node any more. */
  async function untilGone(id: string): Promise<void> {
    await vi.waitFor(async () => expect([...(await leases()).keys()]).not.toContain(id), { interval: 5 });
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

test('a dial sees the sockets of a killed node until its lease ends, and never after', async () => {
  const { prefix, start, onlyNode, pass } = installation();
  const killed = await startChildNode({ REDIS_URL: inject('redisUrl'), REDIS_PREFIX: prefix });
  const bob = await person(killed.url, 'bob');
  const phone = await bob.open({ variables: { deviceId: 'phone' } });
  const stream = { streamId: 'camera', socketId: phone.ready.socketId };
  await bob.message({ target: { uid: 'alice' }, origin: stream });
  await killed.end('SIGKILL');
  const { until } = await onlyNode();

  const { url, clock } = await start();
  const alice = await person(url, 'alice');
  const socketId = (await alice.open()).ready.socketId;
  await pass(until - 1 - clock.now(), clock);

  const { call, offline } = await alice.dial(ring);
  expect({ call, offline }).toMatchObject({ offline: false, call: { state: 'RINGING', legs: 1 } });
  expect(await alice.message({ target: { socketId: phone.ready.socketId } })).toMatchObject({
    offline: false,
  });
  expect((await alice.notify({ recipients: ['team'], socketId })).hubs).toEqual([
    { hubId: 'team', sockets: 2, nodes: 2 },
  ]);
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
  expect((await alice.notify({ recipients: ['team'], socketId })).hubs).toEqual([
    { hubId: 'team', sockets: 1, nodes: 1 },
  ]);
  // Its streams are free for others.
  await alice.message({ target: { uid: 'bob' }, origin: { ...stream, socketId } });
});

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
  await pass(until + leaseMs - clock.now(), clock);
  await pass(renewMs, clock);

  await untilGone(id);
  await vi.waitFor(async () => expect(await traces(id, ready.socketId)).toBe(0), { interval: 5 });
  expect(await redis.exists(keys.sockets('bob'))).toBe(0);
  expect(await onlyNode()).not.toMatchObject({ id });
});

test('all of it is removed, however many sockets the dead node had', async () => {
  const { keys, redis, start, untilGone, pass } = installation();
  const pipeline = redis.pipeline().zadd(keys.nodes, 1, 'dead').hset(keys.nodeCounts('dead'), 'team', 2500);
  for (let i = 0; i < 2500; i++) {
    const record = JSON.stringify({ socketId: `s${i}`, node: 'dead' });
    pipeline.hset(keys.nodeSockets('dead'), `s${i}`, `u${i % 10}`);
    pipeline.hset(keys.sockets(`u${i % 10}`), `s${i}`, record).set(keys.owner(`s${i}`), `dead u${i % 10}`);
  }
  await pipeline.exec();

  const { clock } = await start();
  for (let renewals = 0; renewals < 3; renewals++) await pass(renewMs, clock);

  await untilGone('dead');
  const [, left] = await redis.scan(0, 'MATCH', `${keys.owner('')}*`, 'COUNT', 100_000);
  expect(left).toEqual([]);
  expect(await redis.exists(keys.sockets('u0'), keys.nodeSockets('dead'), keys.nodeCounts('dead'))).toBe(0);
});

test('a node whose lease ran out goes on under a new id, and its sockets come back without a loss', async () => {
  const { keys, redis, start, onlyNode, pass, traces } = installation();
  const { url, clock } = await start();
  const [alice, bob] = [await person(url, 'alice'), await person(url, 'bob')];
  const phone = await bob.open({ variables: { deviceId: 'phone' } });
  const before = await onlyNode();

  // The process slept: its own clock says so, whatever Redis thinks.
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + leaseMs + 1);
  clock.advance(leaseMs + 1);
  expect(await phone.nextOf('SocketClosing')).toMatchObject({ code: 'GAP', reconnect: true });
  const { signalId } = await alice.message({ target: { uid: 'bob' } });
  const back = await bob.open({ variables: { deviceId: 'phone', after: phone.ready.cursor } });

  expect(back.ready).toMatchObject({ recovered: true });
  expect(await back.next()).toMatchObject({ id: signalId });
  await vi.waitFor(async () => expect(await traces(before.id, phone.ready.socketId)).toBe(0), {
    interval: 5,
  });
  const after = await onlyNode();
  expect(after.id).not.toBe(before.id);
  expect(await redis.hkeys(keys.sockets('bob'))).toEqual([back.ready.socketId]);
  expect(await alice.dial(ring)).toMatchObject({ offline: false, call: { legs: 1 } });

  // Once is enough: the lease holds again.
  await back.nextOf('IncomingCall');
  await pass(2 * renewMs, clock);
  expect(await onlyNode()).toMatchObject({ id: after.id });
  expect(await back.heard()).toEqual([]);
});

test('a node that others took for dead notices with its next renewal, and its sockets come back', async () => {
  const { start, onlyNode, untilGone, pass } = installation();
  const asleep = await start();
  const bob = await person(asleep.url, 'bob');
  const phone = await bob.open();
  const { id, until } = await onlyNode();
  const awake = await start();
  await pass(until + leaseMs - awake.clock.now(), awake.clock);
  await pass(renewMs, awake.clock);
  await untilGone(id);

  asleep.clock.advance(awake.clock.now() - asleep.clock.now());

  expect(await phone.nextOf('SocketClosing')).toMatchObject({ code: 'GAP', reconnect: true });
  const back = await bob.open({ variables: { after: phone.ready.cursor } });
  expect(back.ready).toMatchObject({ recovered: true });
  const alice = await person(awake.url, 'alice');
  const { signalId } = await alice.dial(ring);
  expect(await back.next()).toMatchObject({ id: signalId, call: { legs: 1 } });
});

test('a node that was stopped is not seen from then on, and the next renewal of another removes it', async () => {
  const { start, onlyNode, untilGone, pass } = installation();
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
  await pass(renewMs, clock);
  await untilGone(id);
});
