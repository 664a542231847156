import { describe, expect, test } from 'vitest';
import { createKeys } from '../src/redis/keys.ts';
import { connected, departure, entry, open, socket } from './contracts/fixtures.ts';
import { socketsContract } from './contracts/sockets.ts';
import { storeContract } from './contracts/store.ts';
import { manualClock } from './support/clock.ts';
import { connectRedis, startEngine, type TestEngine } from './support/engine.ts';
import { ownForm, redisForms } from './support/redis-forms.ts';
import { engines, randomPrefix } from './support/service.ts';

describe.each(engines)('the store on %s', (engine) => {
  storeContract(() => startEngine(engine));
  socketsContract((clock) => startEngine(engine, { clock }));
});

describe.each(redisForms)('the store on redis with %s', (_, start) => {
  const redis = ownForm(start);
  storeContract(() => startEngine('redis', { redisUrl: redis.url() }));
  socketsContract((clock) => startEngine('redis', { redisUrl: redis.url(), clock }));
});

describe('numbers go on above the last one, and cuts do not fall behind it, when the time is behind', () => {
  async function expectAscending({ store }: TestEngine, last: number): Promise<void> {
    const numbers: number[] = [];
    for (let i = 0; i < 3; i++) {
      const outcome = await store.commit({ append: [entry('hub:a'), entry('hub:a')] });
      if (outcome.status === 'DONE') numbers.push(...outcome.numbers);
    }
    const { number: cut } = await open(store);
    const outcome = await store.commit({ append: [entry('hub:a')] });

    expect(numbers).toEqual([1, 2, 3, 4, 5, 6].map((i) => last + i));
    expect(cut).toBe(last + 6);
    expect(outcome).toEqual({ status: 'DONE', numbers: [last + 7] });
  }

  test('on memory', async () => {
    const clock = manualClock();
    const engine = await startEngine('memory', { clock });
    const { number: last } = await open(engine.store);

    clock.advance(-60_000);

    await expectAscending(engine, last);
  });

  test('on redis', async () => {
    const prefix = randomPrefix();
    const engine = await startEngine('redis', { prefix });
    const { number } = await open(engine.store);

    // As a primary finds it whose clock is slow, after the one before it.
    const last = number + 60_000_000;
    await connectRedis().hset(createKeys(prefix).log, 'last', last);

    await expectAscending(engine, last);
  });
});

describe('departures are forgotten two minutes after the last of their user', () => {
  test('on memory', async () => {
    const clock = manualClock();
    const { store } = await startEngine('memory', { clock });
    await store.close([departure('s1')], new Map());

    clock.advance(120_000 - 1);
    expect(await store.departures('bob')).toEqual([departure('s1')]);
    clock.advance(1);
    expect(await store.departures('bob')).toEqual([]);
  });

  test('on redis', async () => {
    const prefix = randomPrefix();
    const { store } = await startEngine('redis', { prefix });
    const redis = connectRedis();
    const name = createKeys(prefix).departures('bob');
    await store.close([departure('s1')], new Map());
    await redis.pexpire(name, 1000);

    await store.close([departure('s2', { deviceId: 'tablet' })], new Map());

    expect(await store.departures('bob')).toHaveLength(2);
    const left = await redis.pttl(name);
    expect(left).toBeGreaterThan(110_000);
    expect(left).toBeLessThanOrEqual(120_000);
  });
});

test('a socket that another node has taken up is nothing of the node before, once that has noticed', async () => {
  const prefix = randomPrefix();
  const [before, after] = [await startEngine('redis', { prefix }), await startEngine('redis', { prefix })];
  const redis = connectRedis();
  const keys = createKeys(prefix);
  const next = socket('s1', { generation: 2 });
  await open(before.store);
  await open(after.store, { socket: next, replaces: 1 });

  await before.store.close([departure('s1', { at: Date.now() })], new Map());

  const nodes = await redis.zrange(keys.nodes, '0', '-1');
  const held = await Promise.all(nodes.map((node) => redis.hkeys(keys.nodeSockets(node))));
  expect(held.flat()).toEqual(['s1']);
  expect(await before.store.socket('bob', 's1')).toEqual(connected(next));

  // The same on one node: it keeps it.
  await open(after.store, { socket: { ...next, generation: 3 }, replaces: 2 });
  await after.store.close([departure('s1', { at: Date.now(), generation: 2 })], new Map());
  expect(await Promise.all(nodes.map((node) => redis.hlen(keys.nodeSockets(node))))).toEqual(
    expect.arrayContaining([0, 1]),
  );
});
