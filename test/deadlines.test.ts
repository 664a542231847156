import { expect, onTestFinished, test } from 'vitest';
import { createMemoryStore } from '../src/memory/store.ts';
import { startCall } from '../src/signaling/call.ts';
import { callDocumentId, putCall } from '../src/signaling/call-document.ts';
import { startDeadlines } from '../src/signaling/deadlines.ts';
import { noDevice } from '../src/signaling/leg.ts';
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
  // It has asked, and was not answered yet.
  await Promise.resolve();
  expect(looks).toHaveLength(1);
  const others = clock.tasks - 1;
  stop();
  await pass(5000);
  expect(looks).toHaveLength(1);
  expect(clock.tasks).toBe(others);
});

/** Deadlines of calls that nobody knows any more: to fire one is to forget it. */
const unknown = Array.from({ length: 30 }, (_, i) => ({ id: `call:${i}`, at: 2000 }));

test('many that are due at once are fired one after the other, but for the first two', async () => {
  const { store, pass, isLeft } = begin();
  await store.commit({ timers: unknown });
  const firedAt: number[] = [];
  const { document } = store;
  store.document = (id) => {
    firedAt.push(performance.now());
    return document(id);
  };

  await pass(2500);
  while (await isLeft()) await turns(1);

  const [first = 0, ...others] = firedAt;
  expect(others).toHaveLength(29);
  // None comes too early, by more than what a timer may.
  for (const [i, at] of others.entries()) expect(at - first).toBeGreaterThanOrEqual(i * 8 - 2);
});

test('a node that stops fires no more of those that are due', async () => {
  const { store, pass, isLeft, stop } = begin();
  await store.commit({ timers: unknown });
  await pass(2500);
  stop();
  // As long as it would have taken.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await isLeft()).toBe(true);
});

test('all calls of a sweep are judged as of its time', async () => {
  const { clock, store, pass, isLeft } = begin();
  const call = startCall(
    {
      ...{ id: 'one', hubId: 'team', roomId: 'room', roomType: '', ringId: 'sig', ringMs: 10_000 },
      ...{ caller: 'alice', callee: 'bob', callerDevice: noDevice, callerWatched: false, callerNamed: false },
    },
    [],
    null,
    clock.now(),
  );
  await store.commit({ put: [putCall(call)], timers: [{ id: callDocumentId(call.id), at: 2000 }] });
  const { document, commit } = store;
  store.document = (id) => {
    store.document = document;
    // Its time is over when it is read, and was not when the sweep began.
    clock.advance(call.expiresAt - clock.now());
    return document(id);
  };
  const next: (number | null | undefined)[] = [];
  store.commit = (change) => {
    next.push(change.timers?.[0]?.at);
    return commit(change);
  };

  while (await isLeft()) await pass(step);

  expect(next).toEqual([call.expiresAt, null]);
});
