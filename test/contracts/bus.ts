import { expect, test, vi } from 'vitest';
import { presenceTopic, type Topic } from '../../src/signaling/topic.ts';
import type { TestEngine } from '../support/engine.ts';
import { ascending, bodiesOf, entry, numbersOf, range } from './fixtures.ts';

/** What src/signaling/ports.ts promises of a `Bus`, on whichever engine `start` starts. */
export function busContract(start: () => Promise<TestEngine>): void {
  /**
   * What was heard once everything committed before has been: entries come in ascending number, so an entry of a topic
   * of its own comes last.
   */
  async function heardBy({ bus, store, heard }: TestEngine) {
    const sentinel: Topic = `hub:sentinel-${heard.length}-${Math.random()}`;
    await bus.subscribe([sentinel]);
    await store.commit({ append: [entry(sentinel)] });
    await vi.waitFor(() => expect(heard.at(-1)?.topic).toBe(sentinel), { interval: 5 });
    return heard.filter(({ topic }) => !topic.startsWith('hub:sentinel-'));
  }

  test('tells every entry of a topic that is committed after subscribing to it has resolved', async () => {
    const { bus, store, heard } = await start();

    for (const i of range(200)) {
      await bus.subscribe([`hub:${i}`]);
      await store.commit({ append: [entry(`hub:${i}`, `${i}`)] });
    }

    await vi.waitFor(() => expect(heard).toHaveLength(200));
    expect(bodiesOf(heard)).toEqual(range(200).map(String));
  });

  test('tells entries of all its topics in ascending number, as they are stored', async () => {
    const engine = await start();
    const { bus, store } = engine;
    const topics = range(20).map((i): Topic => (i % 2 ? `hub:${i}` : `user:${i}`));
    await bus.subscribe(topics);

    await Promise.all(
      range(300).map((i) =>
        store.commit({
          append: [entry(topics[(i * 7) % 20] ?? 'hub:1'), entry(topics[(i * 3) % 20] ?? 'hub:1')],
        }),
      ),
    );

    const heard = await heardBy(engine);
    expect(heard).toHaveLength(600);
    expect(numbersOf(heard)).toEqual(ascending(numbersOf(heard)));
    for (const topic of topics)
      expect(heard.filter((each) => each.topic === topic)).toEqual(await store.entries(topic, 0));
  });

  test('has told everything that was committed before once it has settled', async () => {
    const { bus, store, heard } = await start();
    await bus.subscribe(['hub:a', 'user:a']);
    for (const i of range(50)) {
      await store.commit({ append: [entry(i % 2 ? 'hub:a' : 'user:a', `${i}`)] });
      await bus.settled();
      expect(heard).toHaveLength(i + 1);
    }
  });

  test('tells nothing of topics that were not subscribed to', async () => {
    const engine = await start();
    await engine.bus.subscribe(['hub:a', 'user:a']);

    await engine.store.commit({
      append: [entry('hub:b', 'b'), entry('user:aa', 'aa'), entry('hub:a', 'a'), entry('user:b', 'b')],
    });

    expect(bodiesOf(await heardBy(engine))).toEqual(['a']);
  });

  test('tells nothing more of a topic once it has left it, and goes on with the others', async () => {
    const engine = await start();
    await engine.bus.subscribe(['hub:a', 'hub:b']);
    await engine.store.commit({ append: [entry('hub:a', '1'), entry('hub:b', '2')] });
    await heardBy(engine);

    engine.bus.unsubscribe(['hub:a']);
    // Entries may still be told for a moment: it is over when a later subscription has been confirmed.
    await heardBy(engine);
    await engine.store.commit({ append: [entry('hub:a', '3'), entry('hub:b', '4')] });

    expect(bodiesOf(await heardBy(engine))).toEqual(['1', '2', '4']);
  });

  test('tells entries again when a topic that was left is subscribed to again', async () => {
    const engine = await start();
    const { bus, store } = engine;

    for (const i of range(20)) {
      await bus.subscribe(['hub:a']);
      await store.commit({ append: [entry('hub:a', `${i}`)] });
      await vi.waitFor(() => expect(bodiesOf(engine.heard)).toContain(`${i}`), { interval: 1 });
      bus.unsubscribe(['hub:a']);
    }

    expect(bodiesOf(await heardBy(engine))).toEqual(range(20).map(String));
  });

  test.each([
    ['left and subscribed to again in one tick', ['leave', 'subscribe']],
    ['subscribed to, left and subscribed to again in one tick', ['subscribe', 'leave', 'subscribe']],
    ['subscribed to twice', ['subscribe', 'subscribe']],
  ] as const)('tells each entry once when its topic was %s', async (_, steps) => {
    const engine = await start();
    const { bus, store } = engine;
    if (steps[0] === 'leave') await bus.subscribe(['hub:a']);

    const confirmed: Promise<void>[] = [];
    for (const step of steps) {
      if (step === 'subscribe') confirmed.push(bus.subscribe(['hub:a']));
      else bus.unsubscribe(['hub:a']);
    }
    await Promise.all(confirmed);
    await store.commit({ append: [entry('hub:a', '1'), entry('hub:a', '2')] });

    expect(bodiesOf(await heardBy(engine))).toEqual(['1', '2']);
  });

  test('tells nothing of a topic that was left before its subscription was confirmed', async () => {
    const engine = await start();
    const { bus, store } = engine;

    const confirmed = bus.subscribe(['hub:a', 'hub:b']);
    bus.unsubscribe(['hub:a']);
    await confirmed;
    await heardBy(engine);
    await store.commit({ append: [entry('hub:a', '1'), entry('hub:b', '2')] });
    expect(bodiesOf(await heardBy(engine))).toEqual(['2']);

    await bus.subscribe(['hub:a']);
    await store.commit({ append: [entry('hub:a', '3')] });
    expect(bodiesOf(await heardBy(engine))).toEqual(['2', '3']);
  });

  test('tells what is announced on a topic to those who listen to it, in no log', async () => {
    const { bus, store, heard, news } = await start();
    await bus.subscribe([presenceTopic('team'), 'hub:team', 'hub:other']);
    await store.commit({ append: [entry('hub:team', '1')] });

    await bus.announce(presenceTopic('team'), '["Ünïcödé 👩‍👧",true]');
    await bus.announce(presenceTopic('other'), 'nobody listens');
    await bus.announce('hub:team', '1 2 3 no entry');
    await bus.announce(presenceTopic('team'), '');
    await bus.settled();

    await vi.waitFor(() => expect(news).toHaveLength(3), { interval: 5 });
    expect(news).toEqual([
      { topic: 'presence:team', body: '["Ünïcödé 👩‍👧",true]' },
      { topic: 'hub:team', body: '1 2 3 no entry' },
      { topic: 'presence:team', body: '' },
    ]);
    expect(bodiesOf(heard)).toEqual(['1']);
    expect(await store.entries(presenceTopic('team'), 0)).toEqual([]);
  });

  test('tells no more news of a topic once it has left it', async () => {
    const engine = await start();
    const { bus, news } = engine;
    await bus.subscribe([presenceTopic('team')]);

    bus.unsubscribe([presenceTopic('team')]);
    await heardBy(engine);
    await bus.announce(presenceTopic('team'), '[]');

    await heardBy(engine);
    expect(news).toEqual([]);
    expect(engine.errors).toEqual([]);
  });

  test('leaving a topic that it never listened to is no error', async () => {
    const engine = await start();

    engine.bus.unsubscribe(['hub:never']);
    await engine.bus.subscribe([]);

    expect(await heardBy(engine)).toEqual([]);
    expect(engine.errors).toEqual([]);
    expect(engine.losses()).toBe(0);
  });

  test('listens to a thousand topics at once', async () => {
    const engine = await start();
    const topics = range(1000).map((i): Topic => `user:u${i}`);
    await engine.bus.subscribe(topics);

    await engine.store.commit({ append: topics.map((topic) => entry(topic, topic)) });

    expect(bodiesOf(await heardBy(engine))).toEqual(topics);
  });
}
