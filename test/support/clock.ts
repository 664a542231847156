import type { Clock } from '../../src/signaling/clock.ts';

/** A clock that stands still until the test moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves the time at once, however far. Each periodic task that became due runs once, as the timers of a process do
   * that was asleep; what a task leaves to promises is not awaited.
   */
  advance(ms: number): void;
  /** How many periodic tasks there are. */
  readonly tasks: number;
}

/** Begins at the machine's own time unless told otherwise, so that tokens and cursors of today are good. */
export function manualClock(start = Date.now()): ManualClock {
  const periodic = new Set<{ readonly everyMs: number; readonly task: () => void; due: number }>();
  let now = start;

  return {
    now: () => now,
    get tasks() {
      return periodic.size;
    },
    every(everyMs, task) {
      const entry = { everyMs, task, due: now + everyMs };
      periodic.add(entry);
      return () => periodic.delete(entry);
    },
    advance(ms) {
      now += ms;
      const due = [...periodic].filter((entry) => entry.due <= now).sort((a, b) => a.due - b.due);
      for (const entry of due) {
        // One that ran before may have called this one off.
        if (!periodic.has(entry)) continue;
        entry.due = now + entry.everyMs;
        entry.task();
      }
    },
  };
}
