/** Looks at items until it has been so many in all; of how many `look` held, is of interest to compilers alone. */
export type LookAhead = (count: number) => number;

/**
 * Fetches the memory of items that are about to be written to, in the same order. Each has its own, which is cold by then:
 * while a processor only looks at one after the other it fetches that of several at a time; between two writes to the
 * kernel it fetches one's, and waits. `look` reads what will be needed of an item, and its value depends on all of that.
 */
export function createLookAhead<Item>(items: Iterable<Item>, look: (item: Item) => boolean): LookAhead {
  const left = items[Symbol.iterator]();
  let looked = 0;
  let held = 0;
  return (count) => {
    for (; looked < count; looked++) {
      const next = left.next();
      if (next.done) break;
      if (look(next.value)) held++;
    }
    return held;
  };
}
