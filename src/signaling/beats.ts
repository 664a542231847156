/** A task that runs again and again. */
interface Periodic {
  readonly everyMs: number;
  readonly task: () => void;
  /** By `performance.now()`, in milliseconds. */
  due: number;
}

/** Timers may fire this much too early, in milliseconds. */
const earlyMs = 2;

/**
 * Periodic tasks that keep to common beats: each runs at multiples of its own interval, so that all that are due wake the
 * process once. An idle process that wakes up costs far more than what it then does. Returns how to add a task; the first
 * time, it runs after half its interval at the earliest, and after one and a half at the latest.
 */
export function createBeats(): (everyMs: number, task: () => void) => () => void {
  const tasks = new Set<Periodic>();
  let timer: NodeJS.Timeout | undefined;

  function wait(): void {
    clearTimeout(timer);
    if (tasks.size === 0) return;
    const next = Math.min(...[...tasks].map(({ due }) => due));
    timer = setTimeout(beat, Math.max(0, Math.ceil(next - performance.now())));
    timer.unref();
  }

  function beat(): void {
    const now = performance.now() + earlyMs;
    try {
      for (const periodic of [...tasks]) {
        // One that ran before may have called this one off.
        if (periodic.due > now || !tasks.has(periodic)) continue;
        periodic.due = (Math.floor(now / periodic.everyMs) + 1) * periodic.everyMs;
        periodic.task();
      }
    } finally {
      wait();
    }
  }

  return (everyMs, task) => {
    const due = Math.floor(performance.now() / everyMs + 1.5) * everyMs;
    const periodic = { everyMs, task, due };
    tasks.add(periodic);
    wait();
    return () => {
      if (tasks.delete(periodic) && tasks.size === 0) wait();
    };
  };
}
