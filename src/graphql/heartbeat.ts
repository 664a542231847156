import type { Clock } from '../signaling/clock.ts';
import { heartbeatMs } from '../signaling/open.ts';
import { inSlices, slice } from '../signaling/slices.ts';

/** A connection that wants to be told when to give a sign of life. */
export interface Beating {
  /** When its turn is. For the heartbeat alone. */
  slot?: number;
  /** Send one now. */
  ping(): void;
  /** The last one has had time to be answered. */
  expectPong?(): void;
}

export interface Heartbeat {
  add(connection: Beating): void;
  delete(connection: Beating): void;
  stop(): void;
}

const tickMs = 250;
const ticksPerSecond = 1000 / tickMs;
const seconds = heartbeatMs / 1000;
const ticks = seconds * ticksPerSecond;

/** How long an answer may take, in ticks. */
const pongTicks = 6 * ticksPerSecond;

/**
 * Pings every connection once per heartbeat, with one timer for all. Slices of them are spread over its quarters of a
 * second: what is pinged in one go is answered in one go, and whoever is to be rung meanwhile waits behind it, here and on
 * their device. Those that were opened together are pinged together: they are neighbours in memory, and that is cold by then.
 */
export function createHeartbeat(clock: Clock): Heartbeat {
  const slots = Array.from({ length: ticks }, () => new Set<Beating>());
  let tick = 0;
  let tickedAt = clock.now();
  let added = 0;

  const slotAt = (index: number): Set<Beating> => slots[index % ticks] ?? new Set();

  function beat(): void {
    const from = tick + 1;
    tick += passed();
    inSlices(during(from, tick), (connection) => connection.ping());
    // Those that were pinged that long ago.
    const ago = ticks - pongTicks;
    inSlices(during(from + ago, tick + ago), (connection) => connection.expectPong?.());
  }

  /** How many ticks it is since the last one: of a sleep, or of a clock that was set, no more than a second counts. */
  function passed(): number {
    const elapsed = Math.round((clock.now() - tickedAt) / tickMs);
    const isSteady = elapsed >= 0 && elapsed <= ticksPerSecond;
    tickedAt = isSteady ? tickedAt + elapsed * tickMs : clock.now();
    return isSteady ? elapsed : ticksPerSecond;
  }

  function* during(first: number, last: number): Generator<Beating, undefined> {
    for (let index = first; index <= last; index++) yield* slotAt(index);
    return undefined;
  }

  return {
    add(connection) {
      // A slice to each second in turn, and then to the next tick of each.
      const group = Math.floor(added++ / slice);
      connection.slot = (group % seconds) * ticksPerSecond + (Math.floor(group / seconds) % ticksPerSecond);
      slotAt(connection.slot).add(connection);
    },
    delete(connection) {
      slotAt(connection.slot ?? 0).delete(connection);
    },
    stop: clock.every(tickMs, beat),
  };
}
