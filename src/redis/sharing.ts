import { atTurnsEnd } from '../signaling/turns-end.ts';

/**
 * Reads of the same thing that are asked for in one turn of the event loop are made once: they leave at its end (see
 * `gather`), so that none could find anything else. What they find belongs to all, and nobody changes it.
 */
export type Sharing<Value> = (key: string, read: () => Promise<Value>) => Promise<Value>;

export function createSharing<Value>(): Sharing<Value> {
  // A map for each turn, and none that is cleared: what V8 leaves of a cleared map still holds what was in it, and points to
  // its next table. Once one such table is in the old generation, so are all that follow, until the next full collection.
  let asked: Map<string, Promise<Value>> | undefined;
  return (key, read) => {
    asked ??= beginTurn();
    const reading = asked.get(key) ?? read();
    asked.set(key, reading);
    return reading;
  };

  function beginTurn(): Map<string, Promise<Value>> {
    atTurnsEnd(() => {
      asked = undefined;
    });
    return new Map();
  }
}
