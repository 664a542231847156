import { endTurn } from './turns-end.ts';

/**
 * How many items one turn of the event loop serves: about half a millisecond's work. A dial has several turns to go, and
 * waits in each.
 */
export const slice = 64;

/**
 * Serves a slice of items in each turn of the event loop, the first of them at once, so that nothing else waits for all of
 * them; then calls `done`. Of a set, whoever has left it meanwhile is not served.
 */
export function inSlices<Item>(
  items: Iterable<Item>,
  serve: (item: Item) => void,
  done: () => void = () => {},
): void {
  const left = items[Symbol.iterator]();
  function proceed(): void {
    for (let served = 0; served < slice; served++) {
      const next = left.next();
      if (next.done) {
        done();
        return;
      }
      serve(next.value);
    }
    setImmediate(goOn);
  }
  function goOn(): void {
    endTurn();
    proceed();
  }
  proceed();
}
