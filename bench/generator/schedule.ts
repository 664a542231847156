import { nowUs } from '../clock.ts';
import type { Schedule } from './api.ts';

/** Timers, and waking up, are this inexact, in microseconds; the last stretch is waited for in turns of the event loop. */
const timerSlackUs = 3000;

/** A write counts as late after this, in microseconds. */
const lateUs = 1000;

/**
 * Calls `send` at fixed times, each with the time that was meant, whether or not the ones before have been dealt with:
 * what a slow server does to its clients shows in their latency, and not in fewer signals. Returns how many were late, when
 * the interval after the last one is over too: so many writes last so many intervals, and all that a server does by time
 * alone is paid for in each.
 */
export async function keepTimes(
  { writes, intervalUs, awake }: Pick<Schedule, 'writes' | 'intervalUs' | 'awake'>,
  send: (timeUs: number) => void,
): Promise<number> {
  const begin = nowUs() + timerSlackUs;
  let late = 0;
  for (let write = 0; write < writes; write++) {
    const time = Math.round(begin + write * intervalUs);
    await until(time, awake);
    if (nowUs() - time > lateUs) late++;
    send(time);
  }
  await until(Math.round(begin + writes * intervalUs), awake);
  return late;
}

async function until(timeUs: number, awake: boolean): Promise<void> {
  const restUs = timeUs - timerSlackUs - nowUs();
  if (restUs > 0 && !awake) await new Promise((resolve) => setTimeout(resolve, restUs / 1000));
  if (nowUs() < timeUs) await new Promise<void>((resolve) => turnUntil(timeUs, resolve));
}

/** A callback, and not a promise for each turn: what the generator leaves behind it must collect, and is late for that. */
function turnUntil(timeUs: number, reached: () => void): void {
  if (nowUs() >= timeUs) reached();
  else setImmediate(turnUntil, timeUs, reached);
}
