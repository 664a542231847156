import type { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { documents, post } from './support/api.ts';
import { startChildNode } from './support/child-node.ts';
import { manualClock } from './support/clock.ts';
import { connectRedis } from './support/engine.ts';
import { type Received, transports } from './support/listen.ts';
import { idsOf, type PersonalListener, person } from './support/person.ts';
import { type RedisOptions, type RedisProcess, startRedis } from './support/redis-server.ts';
import { randomPrefix, startService } from './support/service.ts';
import { startSwitch } from './support/tcp-switch.ts';

const ring = { target: { uid: 'bob' }, roomId: 'room', roomType: 'video' };

/** A Redis for the test to break. */
async function ownRedis(options: RedisOptions = {}): Promise<RedisProcess> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

function numberOf({ cursor }: Received): number {
  return Number(cursor.split(':')[1]);
}

/** Opens a socket as soon as the service lets it, as a client does that comes back. */
function comeBack(open: () => Promise<PersonalListener>): Promise<PersonalListener> {
  return vi.waitFor(open, { timeout: 8000, interval: 20 });
}

/** Waits until a socket that stayed open was told that it begins anew, because its past cannot be proven whole. */
async function anew(listener: PersonalListener, reason: 'EPOCH' | 'TRIMMED'): Promise<void> {
  await vi.waitFor(() => expect(beginnings(listener)).toHaveLength(2), { timeout: 8000, interval: 5 });
  expect(await listener.nextOf('SocketReady')).toMatchObject({
    socketId: listener.ready.socketId,
    recovered: false,
    reason,
  });
  expect(listener.received.map(({ __typename }) => __typename)).not.toContain('SocketClosing');
}

/** How often a socket was told that it begins. */
function beginnings({ received }: PersonalListener): Received[] {
  return received.filter(({ __typename }) => __typename === 'SocketReady');
}

/** Takes as many signals. */
async function take(listener: PersonalListener, count: number): Promise<Received[]> {
  const signals: Received[] = [];
  while (signals.length < count) signals.push(await listener.next());
  return signals;
}

/** Alice and bob on one node; bob's phone has a socket over each transport. */
async function aliceAndBob(url: string) {
  const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
  const open = (after?: string, transport: (typeof transports)[number] = 'sse') =>
    bob.open({ transport, variables: { deviceId: 'phone', after } });
  const sockets = await Promise.all(transports.map((transport) => open(undefined, transport)));
  return { alice, bob, open, sockets };
}

describe('a Redis that was killed and came back empty', () => {
  test('does not end the node or a socket: each begins anew where it is, and rings', async () => {
    const server = await ownRedis();
    const node = await startService({ engine: 'redis', redisUrl: server.url });
    const { alice, sockets } = await aliceAndBob(node.url);

    await server.kill();
    await ownRedis({ port: server.port });
    await Promise.all(sockets.map((socket) => anew(socket, 'EPOCH')));

    expect(node.stats()).toMatchObject({ sockets: 2 });
    const { signalId, offline } = await alice.dial(ring);
    expect(offline).toBe(false);
    for (const socket of sockets) {
      expect(await socket.next()).toMatchObject({ __typename: 'IncomingCall', id: signalId });
      const toSocket = await alice.message({ target: { socketId: socket.ready.socketId } });
      expect(toSocket).toMatchObject({ offline: false });
      expect(await socket.next()).toMatchObject({ __typename: 'PeerMessage', id: toSocket.signalId });
    }
  });

  test('answers a cursor of before with EPOCH, and uses no number twice', async () => {
    const server = await ownRedis();
    const node = await startService({ engine: 'redis', redisUrl: server.url });
    const { alice, open, sockets } = await aliceAndBob(node.url);
    for (let i = 0; i < 5; i++) await alice.message({ target: { uid: 'bob' } });
    const before = [await sockets[0]?.next(), ...((await sockets[0]?.heard()) ?? [])];
    expect(before).toHaveLength(5);

    await server.kill();
    await ownRedis({ port: server.port });
    const back = await comeBack(() => open(before.at(-1).cursor));
    expect(back.ready).toMatchObject({ recovered: false, reason: 'EPOCH' });
    for (let i = 0; i < 5; i++) await alice.message({ target: { uid: 'bob' } });

    const after = await back.heard();
    expect(after).toHaveLength(5);
    expect(Math.min(...after.map(numberOf))).toBeGreaterThan(Math.max(...before.map(numberOf)));
    expect(after[0].cursor.split(':')[0]).not.toBe(before[0].cursor.split(':')[0]);
    // The epoch that began is as good as the one before.
    const again = await open(after[2].cursor);
    expect(again.ready).toMatchObject({ recovered: true, cursor: after[2].cursor });
    expect([await again.next(), await again.next()]).toEqual(after.slice(3));
  });

  test.each([
    ['killed', (server: RedisProcess) => server.kill()],
    ['frozen', async (server: RedisProcess) => server.pause()],
  ])(
    'answers mutations and new sockets UNAVAILABLE, retryable, within 2.5 s while it is %s',
    async (_, stop) => {
      const server = await ownRedis();
      const { url } = await startService({ engine: 'redis', redisUrl: server.url });
      const alice = await person(url, 'alice');
      const { ready } = await alice.open();
      const inputs = {
        notify: { recipients: ['team'], socketId: ready.socketId },
        message: { target: { uid: 'bob' } },
        dial: ring,
      };

      // So that the node need not wait for it when it stops.
      onTestFinished(() => server.resume());

      await stop(server);
      const began = performance.now();
      const [answers, sockets, readiness] = await Promise.all([
        Promise.all(
          (['notify', 'message', 'dial'] as const).map((mutation) =>
            post(url, alice.token, documents[mutation], { hubId: 'team', input: inputs[mutation] }),
          ),
        ),
        Promise.allSettled(transports.map((transport) => alice.open({ transport }))),
        fetch(`${url}/ready`),
      ]);

      expect(performance.now() - began).toBeLessThan(2500);
      expect(readiness.status).toBe(503);
      for (const { errors } of answers)
        expect(errors).toMatchObject([
          { extensions: { code: 'UNAVAILABLE', retryable: true, retryAfterMs: expect.any(Number) } },
        ]);
      for (const socket of sockets)
        expect(socket).toMatchObject({
          status: 'rejected',
          reason: { message: expect.stringContaining('"code":"UNAVAILABLE","retryable":true') },
        });
      expect((await fetch(`${url}/health`)).status).toBe(200);
    },
  );
});

describe('a Redis that was emptied while it lived', () => {
  test('answers a cursor of before with EPOCH, and uses no number twice', async () => {
    const server = await ownRedis();
    // Its lease is not renewed meanwhile: what happens here, the log itself gives away.
    const overrides = { clock: manualClock() };
    const { url } = await startService({ engine: 'redis', redisUrl: server.url, overrides });
    const { alice, open, sockets } = await aliceAndBob(url);
    await alice.message({ target: { uid: 'bob' } });
    const before = await sockets[0]?.next();

    await connectRedis(server.url).flushall();
    const back = await open(before.cursor);

    expect(back.ready).toMatchObject({ recovered: false, reason: 'EPOCH' });
    expect(numberOf(back.ready)).toBeGreaterThan(numberOf(before));
    await Promise.all(sockets.map((socket) => anew(socket, 'EPOCH')));
  });

  test('registers the sockets that it no longer knows with the next renewal of the lease', async () => {
    const server = await ownRedis();
    const clock = manualClock();
    const { url } = await startService({ engine: 'redis', redisUrl: server.url, overrides: { clock } });
    const { alice, sockets } = await aliceAndBob(url);

    await connectRedis(server.url).flushall();
    clock.advance(2000);
    await Promise.all(sockets.map((socket) => anew(socket, 'EPOCH')));

    const { call } = await alice.dial(ring);
    expect(call).toMatchObject({ state: 'RINGING', legs: 1 });
    for (const socket of sockets)
      expect(await socket.next()).toMatchObject({ __typename: 'IncomingCall', call: { id: call.id } });
  });
});

describe('a promoted replica that lacks the last three signals', () => {
  /** A primary with a replica in step, behind a switch that leads to the primary. */
  async function replicated() {
    const primary = await ownRedis();
    const replica = await ownRedis({ args: ['--replicaof', '127.0.0.1', `${primary.port}`] });
    const link = connectRedis(replica.url);
    await vi.waitFor(async () => expect(await link.info('replication')).toContain('master_link_status:up'), {
      timeout: 8000,
      interval: 20,
    });
    return { primary, replica, link, door: await startSwitch(primary.port) };
  }

  async function inStep(primary: Redis, replica: Redis, prefix: string): Promise<void> {
    const { log } = createKeys(prefix);
    const last = await primary.hget(log, 'last');
    await vi.waitFor(async () => expect(await replica.hget(log, 'last')).toBe(last), { interval: 5 });
  }

  test('declares the cursor of one who saw them lost, and numbers never repeat', async () => {
    const { primary, replica, link, door } = await replicated();
    const prefix = randomPrefix();
    const { url } = await startService({
      engine: 'redis',
      redisUrl: `redis://127.0.0.1:${door.port}`,
      prefix,
    });
    const { alice, open, sockets } = await aliceAndBob(url);
    const send = async (count: number) => {
      for (let i = 0; i < count; i++) await alice.message({ target: { uid: 'bob' } });
    };
    await send(2);
    await inStep(connectRedis(primary.url), link, prefix);
    await link.replicaof('NO', 'ONE');
    await send(3);
    const seen = [await sockets[0]?.next(), ...((await sockets[0]?.heard()) ?? [])];
    expect(seen).toHaveLength(5);

    door.pointTo(replica.port);
    door.cut();
    await Promise.all(sockets.map((socket) => anew(socket, 'EPOCH')));

    // One who saw all five, one who saw only what both servers have, one who saw nothing.
    for (const cursor of [seen[4].cursor, seen[1].cursor, sockets[0]?.ready.cursor]) {
      const back = await comeBack(() => open(cursor));
      expect(back.ready).toMatchObject({ recovered: false, reason: 'EPOCH' });
    }
    const back = await open();
    await send(5);
    const after = await back.heard();
    expect(idsOf(after)).toHaveLength(5);
    expect(Math.min(...after.map(numberOf))).toBeGreaterThan(Math.max(...seen.map(numberOf)));
  });

  test('knows the sockets that it never heard of, once they have begun anew', async () => {
    const { primary, replica, link, door } = await replicated();
    const prefix = randomPrefix();
    const { url } = await startService({
      engine: 'redis',
      redisUrl: `redis://127.0.0.1:${door.port}`,
      prefix,
    });
    const { alice, open, sockets } = await aliceAndBob(url);
    await inStep(connectRedis(primary.url), link, prefix);
    await link.replicaof('NO', 'ONE');
    const late = await open();

    door.pointTo(replica.port);
    door.cut();
    const all = [...sockets, late];
    await Promise.all(all.map((socket) => anew(socket, 'EPOCH')));

    const { call, signalId } = await alice.dial(ring);
    const { legs } = JSON.parse(
      (await link.hget(createKeys(prefix).document(`call:${call.id}`), 'body')) ?? '',
    );
    expect(legs).toMatchObject([{ deviceId: 'phone' }]);
    expect([...legs[0].socketIds].sort()).toEqual(all.map(({ ready }) => ready.socketId).sort());
    for (const socket of all) expect(await socket.next()).toMatchObject({ id: signalId });
  });
});

describe('a node whose Redis stops while its clients leave', () => {
  test.each([
    [
      'frozen',
      async (server: RedisProcess) => server.pause(),
      async (server: RedisProcess) => server.resume(),
    ],
    [
      'killed',
      (server: RedisProcess) => server.kill(),
      (server: RedisProcess) => ownRedis({ port: server.port }),
    ],
  ])('goes on when it is %s', async (_, stop, restore) => {
    const server = await ownRedis();
    const node = await startChildNode({ REDIS_URL: server.url });
    const { alice, bob, open, sockets } = await aliceAndBob(node.url);
    const others = await Promise.all(
      Array.from({ length: 10 }, (__, i) => bob.open({ transport: transports[i % 2] ?? 'sse' })),
    );

    await stop(server);
    for (const socket of [...sockets, ...others]) socket.close();
    const refused = await Promise.allSettled([
      ...transports.map((transport) => open(undefined, transport)),
      alice.dial(ring),
    ]);
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect((await fetch(`${node.url}/health`)).status).toBe(200);

    await restore(server);
    for (const transport of transports) {
      const back = await comeBack(() => open(undefined, transport));
      const { call, signalId, offline } = await alice.dial(ring);
      expect(offline).toBe(false);
      expect(await back.next()).toMatchObject({ __typename: 'IncomingCall', id: signalId });
      // Else the next dial would join it.
      await alice.hangUp(call.id);
    }
    expect(node.ending()).toBeUndefined();
    expect(await node.end('SIGTERM')).toBe(0);
    expect(node.output()).not.toMatch(/unhandled|uncaught|"level":[56]0/i);
  });
});

describe('a Redis that did not answer for a while', () => {
  test('costs a socket nothing: it stays open, and what comes then comes to it', async () => {
    const server = await ownRedis();
    const { url } = await startService({ engine: 'redis', redisUrl: server.url });
    const { alice, sockets } = await aliceAndBob(url);

    server.pause();
    onTestFinished(() => server.resume());
    await alice.refused('message', { target: { uid: 'bob' } });
    server.resume();
    const sent = await vi.waitFor(() => alice.message({ target: { uid: 'bob' }, type: 'after' }), {
      timeout: 8000,
    });

    for (const socket of sockets) {
      // What was refused may have been done: nobody knows.
      let signal = await socket.next();
      while (signal.type !== 'after') signal = await socket.next();
      expect(signal.id).toBe(sent.signalId);
      expect(beginnings(socket)).toHaveLength(1);
    }
  });
});

describe('a lost connection for receiving', () => {
  test('costs no signal: the same sockets get what came meanwhile, once and in order', async () => {
    const server = await ownRedis();
    const { url } = await startService({ engine: 'redis', redisUrl: server.url });
    const { alice, sockets } = await aliceAndBob(url);
    const redis = connectRedis(server.url);

    const sent: string[] = [];
    for (let i = 0; i < 60; i++) {
      if (i % 20 === 5) await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      sent.push((await alice.message({ target: { uid: 'bob' } })).signalId);
    }

    for (const socket of sockets) {
      const heard = await take(socket, sent.length);
      expect(idsOf(heard)).toEqual(sent);
      const live = await alice.message({ target: { socketId: socket.ready.socketId } });
      expect(await socket.next()).toMatchObject({ id: live.signalId });
      expect(beginnings(socket)).toHaveLength(1);
    }
  });

  test('is not noticed by one who opens meanwhile, but for the time it takes', async () => {
    const server = await ownRedis();
    const { url } = await startService({ engine: 'redis', redisUrl: server.url });
    const { alice, open, sockets } = await aliceAndBob(url);
    await alice.message({ target: { uid: 'bob' } });
    const seen = await sockets[0]?.next();

    await connectRedis(server.url).call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const [sent, back] = await Promise.all([
      alice.message({ target: { uid: 'bob' } }),
      comeBack(() => open(seen.cursor)),
    ]);

    expect(back.ready).toMatchObject({ recovered: true, reason: null, cursor: seen.cursor });
    expect(await back.next()).toMatchObject({ id: sent.signalId });
    const live = await alice.message({ target: { uid: 'bob' } });
    expect(await back.next()).toMatchObject({ id: live.signalId });
  });

  test('leaves the counts of its sockets as they were', async () => {
    const server = await ownRedis();
    const { url } = await startService({ engine: 'redis', redisUrl: server.url });
    const { alice, sockets } = await aliceAndBob(url);

    await connectRedis(server.url).call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const { signalId } = await alice.message({ target: { uid: 'bob' } });
    for (const socket of sockets) expect(await socket.next()).toMatchObject({ id: signalId });
    const own = await alice.open();

    const { hubs } = await alice.notify({ recipients: ['team'], socketId: own.ready.socketId });
    expect(hubs).toEqual([{ hubId: 'team', sockets: 3, nodes: 1 }]);
  });
});

describe('what others publish on our channels', () => {
  test('is dropped when it is no entry: sockets stay, and hear what is', async () => {
    const prefix = randomPrefix();
    const { url } = await startService({ engine: 'redis', prefix });
    const { alice, sockets } = await aliceAndBob(url);
    const redis = connectRedis();
    const { channel } = createKeys(prefix);

    for (const garbage of [
      '',
      'garbage',
      '{"kind":"PeerMessage"}',
      'x 1 0 {}',
      '\u0000',
      '9'.repeat(100_000),
    ])
      for (const topic of ['user:bob', 'hub:team'] as const) await redis.publish(channel(topic), garbage);
    const { signalId } = await alice.message({ target: { uid: 'bob' } });

    for (const socket of sockets) expect(await socket.next()).toMatchObject({ id: signalId });
  });
});

describe('an entry that was not told', () => {
  /** Bob's sockets have seen one message; the next entry of his topic is committed, and published to nobody. */
  async function untold({ isKept }: { readonly isKept: boolean }) {
    const prefix = randomPrefix();
    const { url } = await startService({ engine: 'redis', prefix });
    const { alice, sockets } = await aliceAndBob(url);
    const own = await alice.open();
    await alice.message({ target: { uid: 'bob' }, type: 'seen' });
    const [seen] = await Promise.all(sockets.map((socket) => socket.next()));
    const number = numberOf(seen);

    const redis = connectRedis();
    const keys = createKeys(prefix);
    const entries = keys.entries('user:bob');
    const [[, fields = []] = []] = await redis.xrevrange(entries, '+', '-', 'COUNT', 1);
    const body = (fields.at(-1) ?? '').replaceAll('seen', 'untold');
    if (isKept) await redis.xadd(entries, `${number + 1}-0`, 'previous', number, 'bytes', 0, 'body', body);
    await redis.hset(keys.record('user:bob'), 'last', number + 1);
    return { alice, sockets, own };
  }

  test('is read when the next one shows that it is missing: both come in their order', async () => {
    const { alice, sockets, own } = await untold({ isKept: true });

    const { signalId } = await alice.message({ target: { uid: 'bob' }, type: 'told' });

    for (const socket of sockets) {
      expect(await take(socket, 2)).toMatchObject([{ type: 'untold' }, { type: 'told', id: signalId }]);
      expect(beginnings(socket)).toHaveLength(1);
    }
    expect(await own.heard()).toEqual([]);
    expect(beginnings(own)).toHaveLength(1);
  });

  test('and is not kept either lets the sockets of its topic begin anew, and no others', async () => {
    const { alice, sockets, own } = await untold({ isKept: false });

    await alice.message({ target: { uid: 'bob' }, type: 'told' });
    await Promise.all(sockets.map((socket) => anew(socket, 'TRIMMED')));

    const { signalId } = await alice.message({ target: { uid: 'bob' } });
    for (const socket of sockets) expect(await socket.next()).toMatchObject({ id: signalId });
    expect(await own.heard()).toEqual([]);
    expect(beginnings(own)).toHaveLength(1);
  });
});
