/** Steps that wait to be let go: one at a time, in an order that is drawn. What lies between two of them happens at once. */
export interface Turns {
  /** `owner`: whose step it is. */
  wait(owner: string, name: string, work: () => Promise<void>): void;
  /** Lets none of an owner's steps go for so many turns, but when everybody is to come to rest and nobody else waits. */
  stall(owner: string, turns: number): void;
  /** Lets at most so many go, each when everything that the one before it set going waits in turn. */
  give(most: number): Promise<void>;
  /** Until nobody waits any more. */
  rest(): Promise<void>;
  /** Counts as a part of the step that is under way. */
  beside<Value>(work: Promise<Value>): Promise<Value>;
  /** Until all that is under way is over, or waits. */
  settle(): Promise<void>;
  /** How many were let go so far: the logical time. */
  readonly taken: number;
}

interface Waiting {
  readonly owner: string;
  readonly name: string;
  work(): Promise<void>;
}

/** More than any run needs: whoever still waits then goes round in circles. */
const mostTurns = 20_000;

export interface TurnsParts {
  /** The places among those who wait, one for each turn; from its end on, the first comes first. */
  readonly order: readonly number[];
  tell(name: string): void;
  /** After each turn. */
  settled(): void;
}

export function createTurns({ order, tell, settled }: TurnsParts): Turns {
  const waiting: Waiting[] = [];
  const running = new Set<Promise<unknown>>();
  const stalled = new Map<string, number>();
  let taken = 0;

  const going = (): Waiting[] => waiting.filter(({ owner }) => (stalled.get(owner) ?? 0) <= taken);

  async function next(): Promise<void> {
    const ready = going();
    const choice = ready.length > 0 ? ready : waiting;
    const chosen = choice[(order[taken] ?? 0) % choice.length];
    if (!chosen) return;
    waiting.splice(waiting.indexOf(chosen), 1);
    if (++taken > mostTurns) throw new Error('It does not come to rest.');
    tell(`${chosen.owner} ${chosen.name}`);
    await chosen.work();
    await settle();
  }

  async function settle(): Promise<void> {
    do {
      await Promise.allSettled([...running]);
      // Every promise that could go on has done so when this one does, and the memory engine's bus has told.
      await new Promise((resolve) => setImmediate(resolve));
    } while (running.size > 0);
    settled();
  }

  return {
    get taken() {
      return taken;
    },
    wait: (owner, name, work) => void waiting.push({ owner, name, work }),
    stall: (owner, turns) => void stalled.set(owner, taken + turns),
    async give(most) {
      await settle();
      for (let given = 0; given < most && going().length > 0; given++) await next();
    },
    async rest() {
      await settle();
      while (waiting.length > 0) await next();
    },
    beside(work) {
      const over = work.finally(() => running.delete(over));
      // Whoever asked for it handles its failure.
      over.catch(() => {});
      running.add(over);
      return over;
    },
    settle,
  };
}
