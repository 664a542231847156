import { atTurnsEnd } from '../signaling/turns-end.ts';

/**
 * Reads of the same thing that are asked for in one turn of the event loop are made once: they leave at its end (see
 * `gather`), so that none could find anything else. What they find belongs to all, and nobody changes it.
 */
export type Sharing<Value> = (key: string, read: () => Promise<Value>) => Promise<Value>;

export function createSharing<Value>(): Sharing<Value> {
  const asked = new Map<string, Promise<Value>>();
  return (key, read) => {
    if (asked.size === 0) atTurnsEnd(() => asked.clear());
    const reading = asked.get(key) ?? read();
    asked.set(key, reading);
    return reading;
  };
}
