/** Lets tasks that name the same key run one after the other. */
export type InTurn = <Result>(key: string, task: () => Promise<Result>) => Promise<Result>;

/** How long a task waits while none of those before it ends, in milliseconds: a store that hangs must not hold a queue. */
const patienceMs = 300;

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

async function turnIn(line: Line): Promise<void> {
  const stuck = Promise.withResolvers<void>();
  const look = (): void => {
    const idleMs = performance.now() - line.movedAt;
    if (idleMs >= patienceMs) stuck.resolve();
    else timer = setTimeout(look, patienceMs - idleMs);
  };
  let timer = setTimeout(look, patienceMs);
  await Promise.race([line.end, stuck.promise]);
  clearTimeout(timer);
}
