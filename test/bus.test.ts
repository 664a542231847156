import type { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import type { Topic } from '../src/signaling/topic.ts';
import { busContract } from './contracts/bus.ts';
import { bodiesOf, entry, range } from './contracts/fixtures.ts';
import { connectRedis, startEngine } from './support/engine.ts';
import { ownForm, redisForms } from './support/redis-forms.ts';
import { type RedisProcess, startRedis } from './support/redis-server.ts';
import { engines, randomPrefix } from './support/service.ts';

describe.each(engines)('the bus on %s', (engine) => {
  busContract(() => startEngine(engine));
});

describe.each(redisForms)('the bus on redis with %s', (_, start) => {
  const redis = ownForm(start);
  busContract(() => startEngine('redis', { redisUrl: redis.url() }));
});

describe('the bus on a Redis of its own', () => {
  async function ownRedis(): Promise<{ server: RedisProcess; redis: Redis }> {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    return { server, redis: connectRedis(server.url) };
  }

  /** How often the server has been sent a command. */
  async function calls(redis: Redis, command: string): Promise<number> {
    const stats = await redis.info('commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }

  /** What is listened to on a server, beside what each node tells itself. */
  async function channels(redis: Redis): Promise<string[]> {
    const all = (await redis.pubsub('CHANNELS')) as string[];
    return all.filter((name) => !name.includes(':probe:'));
  }

  test('subscribes to and leaves all topics of one tick with one command', async () => {
    const { server, redis } = await ownRedis();
    const { bus } = await startEngine('redis', { redisUrl: server.url });
    const topics = range(300).map((i): Topic => `user:u${i}`);

    // The node's own channel.
    await vi.waitFor(async () => expect(await calls(redis, 'subscribe')).toBe(1), { interval: 5 });
    await Promise.all([
      bus.subscribe(topics.slice(0, 100)),
      ...topics.map((topic) => bus.subscribe([topic])),
    ]);
    expect(await calls(redis, 'subscribe')).toBe(2);
    expect(await channels(redis)).toHaveLength(300);

    for (const topic of topics) bus.unsubscribe([topic]);
    await vi.waitFor(async () => expect(await channels(redis)).toEqual([]), { interval: 5 });
    expect(await calls(redis, 'unsubscribe')).toBe(1);
    expect(await calls(redis, 'psubscribe')).toBe(0);
    expect(await calls(redis, 'punsubscribe')).toBe(0);
  });

  test('subscribing while Redis is away fails as UNAVAILABLE, and works when it is back', async () => {
    const { server } = await ownRedis();
    const { bus, store, heard } = await startEngine('redis', { redisUrl: server.url });

    await server.kill();
    await expect(bus.subscribe(['hub:a', 'hub:b'])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    // Leaving never fails.
    bus.unsubscribe(['hub:a']);

    const back = await startRedis({ port: server.port });
    onTestFinished(() => back.stop());
    await vi.waitFor(() => bus.subscribe(['hub:a']), { timeout: 5000 });
    await vi.waitFor(() => store.commit({ append: [entry('hub:a', '1')] }), { timeout: 5000 });
    await vi.waitFor(() => expect(bodiesOf(heard)).toEqual(['1']));
  });

  test('says so when its connection broke, and is subscribed to nothing then', async () => {
    const { server, redis } = await ownRedis();
    const engine = await startEngine('redis', { redisUrl: server.url });
    await engine.bus.subscribe(['hub:a', 'hub:b']);

    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');

    await vi.waitFor(() => expect(engine.losses()).toBe(1), { interval: 5 });
    await vi.waitFor(() => engine.bus.subscribe(['hub:b']), { interval: 5 });
    expect(await channels(redis)).toHaveLength(1);
    await engine.store.commit({ append: [entry('hub:a', '1'), entry('hub:b', '2')] });
    await vi.waitFor(() => expect(bodiesOf(engine.heard)).toEqual(['2']));
  });

  test('drops what is no entry and says so', async () => {
    const prefix = randomPrefix();
    const { bus, store, heard, errors } = await startEngine('redis', { prefix });
    const redis = connectRedis();
    await bus.subscribe(['hub:a']);
    const channel = createKeys(prefix).channel('hub:a');
    const garbage = [
      '',
      'hello',
      '{"kind":"PeerMessage"}',
      'epoch 1 2 {}',
      'abc 1 2',
      'abc -1 0 {}',
      '\u0000',
    ];

    for (const message of garbage) await redis.publish(channel, message);
    await store.commit({ append: [entry('hub:a', '1')] });

    await vi.waitFor(() => expect(bodiesOf(heard)).toEqual(['1']));
    expect(errors).toEqual(
      garbage.map(({ length }) => ({
        message: expect.stringContaining('not an entry'),
        fields: { topic: 'hub:a', bytes: length },
      })),
    );
  });
});
