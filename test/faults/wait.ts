import { setTimeout as delay } from 'node:timers/promises';

/** Waits until a condition holds; throws after so many milliseconds. */
export async function until(
  what: string,
  ms: number,
  condition: () => boolean | Promise<boolean>,
  everyMs = 10,
): Promise<void> {
  if (!(await comesAbout(ms, condition, everyMs)))
    throw new Error(`This did not come about within ${ms} ms: ${what}`);
}

/** Waits until a condition holds, at most so many milliseconds; false when it did not. */
export async function comesAbout(
  ms: number,
  condition: () => boolean | Promise<boolean>,
  everyMs = 10,
): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(everyMs);
  }
  return true;
}

/** The value below which this share of the values lies; null of none. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return value === undefined ? null : Math.round(value);
}
