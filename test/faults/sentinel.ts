import { setTimeout as delay } from 'node:timers/promises';
import { type SentinelProcesses, startSentinel } from '../support/redis-sentinel.ts';
import type { Fault, Run } from './fault.ts';
import { startScene } from './scene.ts';

/** After so many milliseconds without an answer, the Sentinels take a primary for dead. */
const downAfterMs = 1000;

function failover(
  name: string,
  sentence: string,
  mostMs: number,
  inject: (sentinel: SentinelProcesses, run: Run) => Promise<unknown>,
): Fault {
  return {
    name,
    sentence,
    async run(run) {
      const sentinel = await startSentinel({ downAfterMs });
      run.defer(sentinel.stop);
      const scene = await startScene(run, { redisUrl: sentinel.url, clients: run.long ? 200 : 40 });
      run.note(name);
      await inject(sentinel, run);
      run.note('another primary');
      const recoverMs = await scene.deliveredMs(30_000);
      // What was lost with the primary's tail shows when people talk on.
      await delay(run.long ? 10_000 : 2000);
      return scene.finish({ gapMs: mostMs, closed: 0 }, { recoverMs });
    },
  };
}

const unplannedMs = downAfterMs + 5000;

export const sentinelKill = failover(
  'sentinel-kill',
  'The primary that Sentinels watch is killed.',
  unplannedMs,
  async (sentinel) => {
    const primary = await sentinel.primary();
    if (!primary) throw new Error('There is no primary.');
    await sentinel.kill(primary);
    await sentinel.promoted(primary);
  },
);

export const sentinelHang = failover(
  'sentinel-hang',
  'The primary that Sentinels watch hangs, and wakes up as the former one 10 s later (short form: 3 s).',
  unplannedMs,
  async (sentinel, run) => {
    const primary = await sentinel.primary();
    if (!primary) throw new Error('There is no primary.');
    primary.pause();
    await sentinel.promoted(primary);
    await delay(run.long ? 10_000 : 3000);
    primary.resume();
  },
);

export const sentinelFailover = failover(
  'sentinel-failover',
  'An operator asks the Sentinels for another primary.',
  1000,
  (sentinel) => sentinel.failover(),
);
