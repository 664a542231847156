import { setImmediate as turn } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import { expect, test } from 'vitest';
import { createSharing } from '../src/redis/sharing.ts';
import { collect } from './support/collect.ts';

test('what several ask for in one turn is read once, and again in the next', async () => {
  const sharing = createSharing<number>();
  let reads = 0;
  const read = async () => ++reads;
  expect(await Promise.all([sharing('a', read), sharing('a', read), sharing('b', read)])).toEqual([1, 1, 2]);
  await turn();
  expect(await sharing('a', read)).toBe(3);
});

test('a read that fails does so for all that asked in its turn, and for nobody after', async () => {
  const sharing = createSharing<string>();
  const fail = async (): Promise<string> => {
    throw new Error('away');
  };
  const failed = await Promise.allSettled([sharing('a', fail), sharing('a', fail)]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await turn();
  expect(await sharing('a', async () => 'back')).toBe('back');
});

test('what was read is young when it is let go of: no full collection must come for it', async () => {
  const sharing = createSharing<number[]>();
  const read = () => sharing('somebody', async () => Array.from({ length: 10_000 }, (_, i) => i + 0.5));
  const age = (): void => {
    for (let time = 0; time < 2; time++) collect({ type: 'minor' });
  };
  // The first grows old in its turn, as one of many does.
  await read();
  age();
  await turn();
  const before = oldBytes();
  for (let time = 0; time < 50; time++) {
    await read();
    await turn();
    age();
  }
  // Each takes 80 kB.
  expect(oldBytes() - before).toBeLessThan(10 * 80_000);
});

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
}
