import { createBeats } from './beats.ts';
import { inSlices } from './slices.ts';

/** Time as the service knows it. Deadlines and periodic work go through it, so that tests can move it. */
export interface Clock {
  /** Milliseconds since 1970, in the time of the store that nodes share. */
  now(): number;
  /**
   * Runs `task` every `intervalMs` until the returned function is called; the first time after half to one and a half
   * intervals. Does not keep the process alive.
   */
  every(intervalMs: number, task: () => void): () => void;
}

/** This machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  every: createBeats(),
};

/** Lets time pass, of this machine's clock in any case. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A periodic task whose interval changes. */
export interface Pace {
  /** In milliseconds. */
  readonly everyMs: number;
  /** From now on it runs so often; nothing happens when it does already, or was stopped. */
  keepTo(everyMs: number): void;
  stop(): void;
}

/** Runs `task` every `everyMs` to begin with: see `Clock.every`. */
export function createPace(clock: Clock, everyMs: number, task: () => void): Pace {
  let present = everyMs;
  let isStopped = false;
  let stopPeriodic = clock.every(everyMs, task);
  return {
    get everyMs() {
      return present;
    },
    keepTo(ms) {
      if (ms === present || isStopped) return;
      stopPeriodic();
      present = ms;
      stopPeriodic = clock.every(ms, task);
    },
    stop() {
      isStopped = true;
      stopPeriodic();
    },
  };
}

/** A wheel of deadlines with a resolution of one second: one timer, however many deadlines there are. */
export interface Wheel {
  /** Runs `task` in the first second at or after `time` (milliseconds). Returns how to call it off. */
  at(time: number, task: () => void): () => void;
  stop(): void;
}

export function createWheel(clock: Clock): Wheel {
  const slots = new Map<number, Set<() => void>>();
  let next = Math.floor(clock.now() / 1000);

  function turn(): void {
    const now = Math.floor(clock.now() / 1000);
    for (; next <= now; next++) {
      const due = slots.get(next);
      slots.delete(next);
      // There are thousands in one second when a node sends its clients away, or their tokens end together.
      if (due) inSlices(due, (task) => task());
    }
  }

  function at(time: number, task: () => void): () => void {
    const slot = Math.max(Math.ceil(time / 1000), next);
    const tasks = slots.get(slot) ?? new Set();
    slots.set(slot, tasks.add(task));
    return () => {
      tasks.delete(task);
      if (tasks.size === 0 && slots.get(slot) === tasks) slots.delete(slot);
    };
  }

  return { at, stop: clock.every(1000, turn) };
}
