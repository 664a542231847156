import { setTimeout as delay } from 'node:timers/promises';
import type { ChaosProxy } from '../support/proxy.ts';
import type { Run } from './fault.ts';

/** Each client loses its network so often, for so long, in milliseconds. */
const profile = { everyMs: 15_000, awayMs: 2000 };

/** Takes everyone's network away in turn, until the time is over and all have it again. */
export async function jitter(run: Run, proxies: readonly ChaosProxy[], forMs: number): Promise<void> {
  const end = performance.now() + forMs;
  await Promise.all(
    proxies.map(async (proxy) => {
      await delay(run.random() * profile.everyMs);
      while (performance.now() + profile.awayMs < end) {
        proxy.down();
        await delay(profile.awayMs);
        proxy.up();
        await delay(Math.max(0, Math.min(profile.everyMs - profile.awayMs, end - performance.now())));
      }
    }),
  );
}
