import { expect, onTestFinished, test } from 'vitest';
import { createMemoryStore } from '../src/memory/store.ts';
import { startDeadlines } from '../src/signaling/deadlines.ts';
import type { SignalingNode } from '../src/signaling/node.ts';
import { manualClock } from './support/clock.ts';
import { turns } from './support/raw.ts';

const step = 50;

/** A node that looks for deadlines, and at what times it did, in milliseconds from its beginning. */
function begin() {
  const clock = manualClock(0);
  const memory = createMemoryStore(clock, () => {});
  const looks: number[] = [];
  const store: typeof memory = {
    ...memory,
    deadlines(...range) {
      looks.push(clock.now());
      return memory.deadlines(...range);
    },
  };
  const stop = startDeadlines({ clock, store, log: { warn: () => {} } } as unknown as SignalingNode);
  onTestFinished(() => {
    stop();
    memory.stop();
    expect(clock.tasks).toBe(0);
  });

  /** Lets so much time pass, with what is done meanwhile. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      clock.advance(step);
      await turns(2);
    }
  }

  const isLeft = async () => (await memory.deadlines(Number.MAX_SAFE_INTEGER, 10)).length > 0;
  return { clock, store, looks, pass, isLeft, stop };
}

test('deadlines are looked for once a second while none comes', async () => {
  const { store, looks, pass } = begin();
  await store.commit({ timers: [{ id: 'call:far', at: 60_000 }] });
  await pass(10_000);
  expect(looks).toHaveLength(10);
});

test.each([2000, 2001, 2300, 2500, 2999])('one at %i ms is fired half a second later at most', async (at) => {
  const { clock, store, looks, pass, isLeft } = begin();
  await store.commit({ timers: [{ id: 'call:ended', at }] });
  while (await isLeft()) await pass(step);
  expect(clock.now()).toBeGreaterThanOrEqual(at);
  expect(clock.now()).toBeLessThanOrEqual(at + 500 + step);
  // And then it is seldom looked for again.
  const before = looks.length;
  await pass(10_000);
  expect(looks.length - before).toBeLessThanOrEqual(12);
});

test('a node that stops while it looks does not begin again', async () => {
  const { clock, looks, pass, stop } = begin();
  clock.advance(500);
  stop();
  await pass(5000);
  expect(looks).toHaveLength(1);
});
