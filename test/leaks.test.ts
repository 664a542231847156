import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import type { Node } from '../src/server.ts';
import { type ManualClock, manualClock } from './support/clock.ts';
import { collect } from './support/collect.ts';
import { type Transport, transports } from './support/listen.ts';
import { type Client, openClient, turns, until } from './support/raw.ts';
import { type EngineName, engines, randomPrefix, startService, tokenFor } from './support/service.ts';

const subscriptions = 200;

/** A node, and everything that a socket might leave behind. */
interface Watched {
  readonly node: Node;
  readonly clock: ManualClock;
  open(transport: Transport, uid: string): Promise<Client>;
  /** What there is now. */
  count(): Promise<Left>;
}

interface Left {
  readonly sockets: number;
  readonly topics: number;
  readonly plans: number;
  /** Periodic tasks of the node. */
  readonly tasks: number;
  /** Channels and keys in Redis. */
  readonly redis: object;
}

async function startWatched(engine: EngineName): Promise<Watched> {
  const prefix = randomPrefix();
  const clock = manualClock();
  const env = { LIMIT_SOCKETS_PER_USER: String(subscriptions + 1) };
  const node = await startService({ engine, prefix, env, overrides: { clock } });
  const countRedis = engine === 'redis' ? watchRedis(prefix) : async () => ({});
  return {
    node,
    clock,
    open: async (transport, uid) =>
      openClient(transport, node.url, await tokenFor(uid, { hubs: { team: 'read', [`of-${uid}`]: 'read' } })),
    async count() {
      const { sockets, topics, plans } = node.stats();
      return { sockets, topics, plans, tasks: clock.tasks, redis: await countRedis() };
    },
  };
}

/** How long it is known who has left, in milliseconds. */
const departureMs = 120_000;

/** The subscriptions of an installation, and its keys except those it keeps by design or that end by themselves. */
function watchRedis(prefix: string): () => Promise<object> {
  const kept = new RegExp(`^{${prefix}}:(access:.*|log)$`);
  const ending = `{${prefix}}:departures:`;
  const redis = new Redis(inject('redisUrl'));
  onTestFinished(() => void redis.disconnect());
  return async () => {
    const names = await redis.pubsub('CHANNELS', `{${prefix}}:*`);
    const channels = await redis.pubsub('NUMSUB', ...(names as string[]).toSorted());
    const all = (await redis.keys(`{${prefix}}:*`)).filter((key) => !kept.test(key)).toSorted();
    for (const key of all.filter((name) => name.startsWith(ending))) {
      const left = await redis.pttl(key);
      expect(left, key).toBeGreaterThan(0);
      expect(left, key).toBeLessThanOrEqual(departureMs);
    }
    const keys = all.filter((name) => !name.startsWith(ending));
    const countsKey = keys.find((key) => key.includes(':node-counts:'));
    return { channels, keys, counts: countsKey && (await redis.hgetall(countsKey)) };
  };
}

/** The open connections and running timers of this process, client and server in one. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap' || kind === 'Timeout');
}

/** Runs something, and waits until nothing is left of it; shows what is left if it does not go away. */
async function expectNothingLeft({ node, clock, count }: Watched, work: () => Promise<void>): Promise<void> {
  // What was gathered of presence is told.
  clock.advance(250);
  const before = await count();
  const handlesBefore = handles().length;
  await work();
  await until('every socket is gone', () => node.stats().sockets === before.sockets);
  // A topic is left a second after its last socket, on a wheel that turns once a second; so often are sockets forgotten,
  // one sweep at a time.
  for (const second of [1000, 1000, 1000, 1000]) {
    clock.advance(second);
    await turns(10);
    await count();
  }
  const same = async () => {
    clock.advance(250);
    return JSON.stringify(await count()) === JSON.stringify(before);
  };
  await until('nothing is left', async () => (await same()) && handles().length <= handlesBefore).catch(
    () => {},
  );
  expect(await count()).toEqual(before);
  expect(handles().length).toBeLessThanOrEqual(handlesBefore);
}

const refused = `subscription { incomingSignal(hubIds: ["elsewhere"]) { id } }`;

describe.each(engines)('on %s', (engine) => {
  describe.each(transports)('over %s', (transport) => {
    test(`closing ${subscriptions} subscriptions leaves nothing, whether the client says goodbye or breaks off`, async () => {
      const watched = await startWatched(engine);
      const resident = (await watched.open(transport, 'resident')).open();
      await resident.ready;
      await expectNothingLeft(watched, async () => {
        const clients = await Promise.all(
          Array.from({ length: 10 }, (_, i) => watched.open(transport, `user${i}`)),
        );
        const streams = clients.flatMap((client) =>
          Array.from({ length: subscriptions / clients.length }, () => client.open()),
        );
        for (const stream of streams) await stream.ready;
        const topics = 3 + 2 * clients.length;
        expect(await watched.count()).toMatchObject({ sockets: subscriptions + 1, topics, plans: 1 });

        for (const stream of streams.slice(0, subscriptions / 2)) stream.close();
        for (const client of clients) client.abort();
      });
      expect(watched.node.stats().sockets).toBe(1);
    });

    test('a client that leaves while its socket opens leaves nothing', async () => {
      const watched = await startWatched(engine);
      await expectNothingLeft(watched, async () => {
        for (let round = 0; round < 50; round++) {
          const client = await watched.open(transport, `user${round}`);
          const streams = [client.open(), client.open()];
          await turns(round % 25);
          streams[0]?.close();
          if (round % 2) streams[1]?.close();
          client.abort();
        }
        // What came in before is dealt with before this is.
        const witness = await watched.open(transport, 'witness');
        await witness.open().ready;
        witness.abort();
      });
    });

    test('a refused subscription leaves nothing', async () => {
      const watched = await startWatched(engine);
      await expectNothingLeft(watched, async () => {
        const client = await watched.open(transport, 'user');
        for (const [variables, query] of [
          [{}, refused],
          [{ deviceId: 'not an id' }, undefined],
          [{ after: 'garbage' }, undefined],
          [{ hubIds: [1, { no: 'id' }] }, undefined],
        ] as const) {
          const stream = client.open(variables, query);
          await stream.first('a refusal', ({ __typename }) => __typename === 'Refused');
          await stream.ended;
        }
        // The client is still there; what it asked for is not.
        await until('no plan is left', () => watched.node.stats().plans === 0);
        client.abort();
      });
    });

    test('connecting and leaving 200 times does not grow the heap', async () => {
      const watched = await startWatched(engine);
      await cycle(watched, transport, 50);
      const before = await heapUsed();
      await cycle(watched, transport, 200);
      // An open connection takes several times this.
      expect((await heapUsed()) - before).toBeLessThan(200 * 2560);
    });
  });
});

async function cycle(watched: Watched, transport: Transport, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const client = await watched.open(transport, 'visitor');
    await client.open().ready;
    client.abort();
  }
  await until('every socket is gone', () => watched.node.stats().sockets === 0);
}

async function heapUsed(): Promise<number> {
  for (let time = 0; time < 3; time++) {
    await turns(5);
    collect();
  }
  return process.memoryUsage().heapUsed;
}
