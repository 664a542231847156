/** Lets tasks that name the same key run one after the other. */
export type InTurn = <Result>(key: string, task: () => Promise<Result>) => Promise<Result>;

/** How long a task waits while none of those before it ends, in milliseconds: a store that hangs must not hold a queue. */
const patienceMs = 400;

/** The tasks of one key. */
interface Line {
  /** Resolves when the last of them has ended. */
  end: Promise<void>;
  /** When one of them ended last, in milliseconds of this process. */
  movedAt: number;
}

/**
 * Turns within this process. What several nodes do at once is decided by the store; this only saves the conflicts
 * between requests that are known to want the same document.
 */
export function createTurns(): InTurn {
  const lines = new Map<string, Line>();

  return async (key, task) => {
    const line = lines.get(key) ?? { end: Promise.resolve(), movedAt: performance.now() };
    const mine = turnIn(line).then(task);
    const end = mine.then(ignore, ignore);
    line.end = end;
    lines.set(key, line);
    try {
      return await mine;
    } finally {
      line.movedAt = performance.now();
      if (line.end === end) lines.delete(key);
    }
  };
}

const ignore = (): void => {};

/** Resolves when those before have ended, or when none of them has for too long. */
async function turnIn(line: Line): Promise<void> {
  const stuck = Promise.withResolvers<void>();
  let timer = later(patienceMs);

  function later(ms: number): NodeJS.Timeout {
    const due = performance.now() + ms;
    return setTimeout(() => {
      const now = performance.now();
      // A process that was busy itself has kept the others from ending, and asks again.
      const isBusy = now - due > patienceMs / 4;
      const idleMs = isBusy ? 0 : now - line.movedAt;
      if (idleMs >= patienceMs) stuck.resolve();
      else timer = later(patienceMs - idleMs);
    }, ms);
  }

  await Promise.race([line.end, stuck.promise]);
  clearTimeout(timer);
}
