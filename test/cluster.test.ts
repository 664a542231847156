import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { hubTopic, type Topic, userTopic } from '../src/signaling/topic.ts';
import { startChildNode } from './support/child-node.ts';
import { manualClock } from './support/clock.ts';
import { type Received, transports } from './support/listen.ts';
import { idsOf, person } from './support/person.ts';
import { openClient, rawConnection, requestText, until } from './support/raw.ts';
import { startRedis } from './support/redis-server.ts';
import { randomPrefix, startService, tokenFor } from './support/service.ts';
import { startSwitch } from './support/tcp-switch.ts';

const engine = 'redis';

async function startTwo(): Promise<[string, string]> {
  const prefix = randomPrefix();
  const [a, b] = [await startService({ engine, prefix }), await startService({ engine, prefix })];
  return [a.url, b.url];
}

async function startTwoProcesses(): Promise<[string, string]> {
  const env = { REDIS_URL: inject('redisUrl'), REDIS_PREFIX: randomPrefix() };
  const [a, b] = await Promise.all([startChildNode(env), startChildNode(env)]);
  return [a.url, b.url];
}

/** A connection of the test's own, to look at what the nodes do. */
function observe(url: string): Redis {
  const redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** Alice, on the first node, reaches Bob wherever he is. */
async function reachEachOther([a, b]: [string, string], transport: 'sse' | 'ws'): Promise<void> {
  const [alice, bob, bobElsewhere] = await Promise.all([
    person(a, 'alice'),
    person(b, 'bob'),
    person(a, 'bob'),
  ]);
  const own = await alice.open({ transport });
  const here = await bobElsewhere.open({ transport, variables: { deviceId: 'phone' } });
  const there = await bob.open({ transport, variables: { deviceId: 'tablet' } });
  const { socketId } = there.ready;

  const { call, offline, ...ring } = await alice.dial({
    target: { uid: 'bob' },
    roomId: 'r',
    roomType: 'video',
  });
  expect({ legs: call.legs, offline }).toEqual({ legs: 2, offline: false });
  expect(idsOf(await here.heard())).toEqual([ring.signalId]);
  expect(idsOf(await there.heard())).toEqual([ring.signalId]);

  await bob.message({ target: { uid: 'alice' }, origin: { socketId, streamId: 'camera' }, callId: call.id });
  expect(await own.heard()).toMatchObject([{ origin: { socketId, streamId: 'camera' }, callId: call.id }]);
  const sent = [
    await alice.message({ target: { socketId } }),
    await alice.message({ target: { streamId: 'camera' } }),
  ];
  const shared = [
    await alice.message({ target: { uid: 'bob' } }),
    await alice.message({ target: { hubId: 'team' }, origin: { socketId: own.ready.socketId } }),
    await alice.notify({ recipients: ['team'], socketId: own.ready.socketId }),
  ];
  expect(shared[2].hubs).toEqual([{ hubId: 'team', sockets: 3, nodes: 2 }]);
  expect(idsOf(await there.heard())).toEqual([...idsSent(sent), ...idsSent(shared)]);
  expect(idsOf(await here.heard())).toEqual(idsSent(shared));
  expect(await own.heard()).toEqual([]);

  await bob.accept(call.id, socketId);
  await alice.hangUp(call.id);
  for (const socket of [own, here, there]) {
    expect(await socket.heard()).toMatchObject([
      { __typename: 'CallUpdated', change: 'ACCEPTED', origin: { uid: 'bob', socketId } },
      { __typename: 'CallUpdated', change: 'ENDED', origin: { uid: 'alice' } },
      { __typename: 'CallLogged', record: { callId: call.id, reason: 'HANGUP' } },
    ]);
  }
  for (const socket of [own, here, there]) await socket.leave();
}

function idsSent(answers: readonly { signalId: string }[]): string[] {
  return answers.map(({ signalId }) => signalId);
}

describe.each(transports)('two nodes on one Redis, over %s', (transport) => {
  test('carry dial, message, notify, accept and hangUp from one to the other', async () => {
    await reachEachOther(await startTwo(), transport);
  });

  test('a socket that moves to the other node goes on from its cursor', async () => {
    const [a, b] = await startTwo();
    const [alice, bob, moved] = await Promise.all([person(a, 'alice'), person(a, 'bob'), person(b, 'bob')]);
    const before = await bob.open({ transport });
    const sent = [await alice.message({ target: { uid: 'bob' } })];
    await before.leave();
    sent.push(await alice.message({ target: { uid: 'bob' } }));
    const after = await moved.open({ transport, variables: { after: before.ready.cursor } });
    expect(after.ready).toMatchObject({ recovered: true });
    sent.push(await alice.message({ target: { uid: 'bob' } }));
    expect(idsOf(await after.heard())).toEqual(idsSent(sent));
  });
});

test('two processes started from the command line carry dial, message, notify, accept and hangUp', async () => {
  const urls = await startTwoProcesses();
  for (const transport of transports) await reachEachOther(urls, transport);
});

test('a repetition on the other node gets the first answer, and sends nothing', async () => {
  const [a, b] = await startTwo();
  const [alice, again, bob] = await Promise.all([person(a, 'alice'), person(b, 'alice'), person(b, 'bob')]);
  const ear = await bob.open();
  const input = { target: { uid: 'bob' }, roomId: 'r', roomType: 'video', clientMutationId: 'once' };
  const answers = await Promise.all([alice.dial(input), again.dial(input)]);
  expect(answers[1]).toEqual(answers[0]);
  expect(idsOf(await ear.heard())).toEqual([answers[0].signalId]);
});

test('nodes with different prefixes on one Redis do not hear each other', async () => {
  const [a, b] = [await startService({ engine }), await startService({ engine })];
  const [alice, bob, bobOfB] = await Promise.all([
    person(a.url, 'alice'),
    person(a.url, 'bob'),
    person(b.url, 'bob'),
  ]);
  const [own, other] = [await alice.open(), await bobOfB.open()];
  const there = { target: { socketId: other.ready.socketId } };
  expect(await alice.dial({ target: { uid: 'bob' }, roomId: 'r', roomType: 'video' })).toMatchObject({
    offline: true,
  });
  expect(await alice.message(there)).toMatchObject({ offline: true });
  expect(await alice.notify({ recipients: ['team'], socketId: own.ready.socketId })).toMatchObject({
    hubs: [{ hubId: 'team', sockets: 1, nodes: 1 }],
  });
  expect((await bob.open()).ready.calls).toEqual([]);
  expect(await other.heard()).toEqual([]);
});

describe('what two nodes cost Redis', () => {
  /** Opens sockets for Bob on a node, and resolves when all are ready. */
  async function openMany(url: string, count: number, hubIds: string[]) {
    const hubs = Object.fromEntries(hubIds.map((hubId) => [hubId, 'read']));
    const client = await openClient('ws', url, await tokenFor('bob', { hubs }));
    const sockets = Array.from({ length: count }, () => client.open({ hubIds }));
    await Promise.all(sockets.map(({ ready }) => ready));
    return { sockets, leave: client.abort };
  }

  test('is one subscription for each topic that a node needs, whatever the number of its sockets', async () => {
    const prefix = randomPrefix();
    const clock = manualClock();
    const options = {
      engine,
      prefix,
      overrides: { clock },
      env: { LIMIT_SOCKETS_PER_USER: '1000' },
    } as const;
    const [a, b] = [await startService(options), await startService(options)];
    const redis = observe(inject('redisUrl'));
    const keys = createKeys(prefix);
    const topics: Topic[] = [userTopic('bob'), hubTopic('team'), hubTopic('side')];
    async function subscribers(): Promise<number[]> {
      const counts = (await redis.pubsub('NUMSUB', ...topics.map(keys.channel))) as (string | number)[];
      return counts.filter((_, i) => i % 2 === 1).map(Number);
    }
    expect(await subscribers()).toEqual([0, 0, 0]);
    const many = await openMany(a.url, 50, ['team']);
    expect(await subscribers()).toEqual([1, 1, 0]);
    const more = await openMany(b.url, 30, ['team', 'side']);
    expect(await subscribers()).toEqual([2, 2, 1]);
    expect([a.stats().topics, b.stats().topics]).toEqual([2, 3]);

    const left = many.sockets.slice(1);
    for (const socket of left) socket.close();
    more.leave();
    await until('the sockets to go', () => a.stats().sockets === 1 && b.stats().sockets === 0);
    clock.advance(1000);
    clock.advance(1000);
    await until('the second node to leave its topics', () => b.stats().topics === 0);
    await until('Redis to know of it', async () => (await subscribers()).join() === '1,1,0');
  });

  /** Opens a socket for each of so many users. */
  async function openEach(url: string, count: number, hubId: string) {
    const users = Array.from({ length: count }, async (_, i) => {
      const client = await openClient('ws', url, await tokenFor(`user${i}`, { hubs: { [hubId]: 'read' } }));
      const socket = client.open({ hubIds: [hubId] });
      await socket.ready;
      return socket;
    });
    return Promise.all(users);
  }

  test('is exactly the same for a notify to a hub of 200 users as to a hub of two', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const options = {
      engine,
      prefix: 'nodes',
      redisUrl: server.url,
      // Stands still: no lease is renewed, no deadline looked for.
      overrides: { clock: manualClock() },
    } as const;
    const [a, b] = [await startService(options), await startService(options)];
    const redis = observe(server.url);
    const alice = await person(a.url, 'alice', { hubs: { team: 'read', two: 'read', many: 'read' } });
    const own = await alice.open({ variables: { hubIds: ['team'] } });
    const few = [...(await openEach(a.url, 1, 'two')), ...(await openEach(b.url, 1, 'two'))];
    const all = [...(await openEach(a.url, 100, 'many')), ...(await openEach(b.url, 100, 'many'))];

    async function costOf(hubId: string, sockets: Received[]) {
      const costSince = await counting(redis);
      const { signalId, hubs } = await alice.notify({
        recipients: [hubId],
        socketId: own.ready.socketId,
      });
      await Promise.all(sockets.map((socket) => socket.first('the signal', isSignal(signalId))));
      return { reached: hubs[0].sockets, nodes: hubs[0].nodes, cost: await costSince() };
    }

    // The first of each creates what later ones find.
    await costOf('two', few);
    await costOf('many', all);
    const small = await costOf('two', few);
    const large = await costOf('many', all);
    expect(small).toMatchObject({ reached: 2, nodes: 2, cost: { evalsha: 3, publish: 1, xadd: 1 } });
    expect(large).toMatchObject({ reached: 200, nodes: 2 });
    expect(large.cost).toEqual(small.cost);
  });

  test.each([
    { asked: 'signalId', scripts: 11 },
    { asked: 'hubs { sockets }', scripts: 12 },
  ])(
    'is shared by ten that arrive together and ask for $asked: who sends them, and whom they reach if it is asked, is read once',
    async ({ asked, scripts }) => {
      const server = await startRedis();
      onTestFinished(() => server.stop());
      const overrides = { clock: manualClock() };
      const node = await startService({ engine, prefix: 'nodes', redisUrl: server.url, overrides });
      const redis = observe(server.url);
      const alice = await person(node.url, 'alice', { hubs: { team: 'read' } });
      const own = await alice.open();
      const listener = await alice.open();
      const { socketId } = own.ready;
      // The first creates what later ones find.
      await alice.notify({ recipients: ['team'], socketId });
      const input = `{ recipients: ["team"], socketId: "${socketId}" }`;
      const query = `mutation { notify(hubId: "team", input: ${input}) { ${asked} } }`;
      const body = JSON.stringify({ query });
      const headers = { authorization: `Bearer ${alice.token}`, 'content-type': 'application/json' };
      const request = requestText(node.url, 'POST /graphql HTTP/1.1', headers, body);

      const costSince = await counting(redis);
      const raw = rawConnection(node.url);
      raw.socket.write(request.repeat(10));
      await until('the answers', () => raw.text.split('"data":{"notify":{').length === 11);
      for (let heard = 0; heard < 11; heard++) await listener.nextOf('HubNotification');
      expect(await costSince()).toMatchObject({ evalsha: scripts, hgetall: 1, publish: 10, xadd: 10 });
    },
  );
});

test('a dial takes two trips to Redis: who dials and whom is asked in one', async () => {
  const trips: string[] = [];
  const relay = await startSwitch(Number(new URL(inject('redisUrl')).port), (text) => trips.push(text));
  const { url } = await startService({ engine, redisUrl: `redis://127.0.0.1:${relay.port}` });
  const [alice, bob] = await Promise.all([person(url, 'alice'), person(url, 'bob')]);
  const socket = await bob.open();
  const room = { roomId: 'room-1', roomType: 'video' };
  // The first brings Redis the scripts.
  await alice.dial({ target: { uid: 'carol' }, ...room });

  trips.length = 0;
  const { signalId } = await alice.dial({ target: { uid: 'bob' }, ...room });
  const about = trips.map((text) => ['alice', 'bob'].filter((uid) => text.includes(uid)));

  expect(idsOf(await socket.heard())).toEqual([signalId]);
  expect(about.filter((uids) => uids.length > 0)).toEqual([
    ['alice', 'bob'],
    ['alice', 'bob'],
  ]);
});

/** Returns what says how often Redis has run which command since. */
async function counting(redis: Redis): Promise<() => Promise<Record<string, number>>> {
  async function calls(): Promise<Map<string, number>> {
    const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm);
    return new Map([...lines].map(([, name = '', count]) => [name, Number(count)]));
  }
  const before = await calls();
  return async () => {
    const spent = [...(await calls())].map(([name, count]) => [name, count - (before.get(name) ?? 0)]);
    return Object.fromEntries(spent.filter(([name, count]) => name !== 'info' && count !== 0));
  };
}

function isSignal(signalId: string) {
  return ({ id }: Received): boolean => id === signalId;
}
