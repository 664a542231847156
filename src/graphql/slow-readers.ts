import type { Clock } from '../signaling/clock.ts';

/** A connection's bytes, counted from its beginning. */
export interface Reader {
  /** All that were meant for it. */
  readonly pushed: number;
  /** Of those, what it has not taken; 0 when it is gone. */
  readonly unsent: number;
  /** Ends the connection: it takes its bytes too slowly. */
  cut(): void;
}

export interface SlowReaders {
  /** Looks after a connection until it has taken everything. May be called again. */
  watch(reader: Reader): void;
  /** Ends one now. */
  cut(reader: Reader): void;
  /** How many were ended. */
  readonly count: number;
  stop(): void;
}

/** With more than this unsent, in bytes, a connection must take something in so many seconds. */
const stall = { bytes: 256 * 1024, seconds: 2 };

/** How old the oldest unsent byte may become, in seconds. */
const oldestSeconds = 10;

/** What was seen of a connection that is behind, second by second: a process that slept has not seen anybody stall. */
interface Behind {
  drained: number;
  stalledSeconds: number;
  /** What was pushed by each of the last seconds. */
  readonly marks: number[];
}

/** Ends connections that take their bytes too slowly. One timer for all, and nothing for a connection that keeps up. */
export function createSlowReaders(clock: Clock): SlowReaders {
  const watched = new Map<Reader, Behind>();
  let count = 0;

  function look(): void {
    for (const [reader, behind] of watched) {
      if (reader.unsent === 0) watched.delete(reader);
      else if (isSlow(reader, behind)) cut(reader);
    }
  }

  function cut(reader: Reader): void {
    watched.delete(reader);
    count++;
    reader.cut();
  }

  return {
    watch(reader) {
      if (!watched.has(reader)) watched.set(reader, { drained: -1, stalledSeconds: 0, marks: [] });
    },
    cut,
    get count() {
      return count;
    },
    stop: clock.every(1000, look),
  };
}

function isSlow({ pushed, unsent }: Reader, behind: Behind): boolean {
  const drained = pushed - unsent;
  behind.stalledSeconds = drained > behind.drained ? 0 : behind.stalledSeconds + 1;
  behind.drained = drained;
  const oldest = behind.marks.length === oldestSeconds ? (behind.marks.shift() ?? 0) : 0;
  behind.marks.push(pushed);
  return drained < oldest || (unsent > stall.bytes && behind.stalledSeconds >= stall.seconds);
}
