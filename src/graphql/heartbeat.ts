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

const tickMs = 1000;
const ticks = heartbeatMs / tickMs;

/** How long an answer may take, in ticks. */
const pongTicks = 6;

/**
 * Pings every connection once per heartbeat, with one timer for all, which seldom wakes an idle process: those of one
 * second in slices, so that whoever is to be rung meanwhile does not wait for all of them. Those that were opened together
 * are pinged together: they are neighbours in memory, and that is cold by then.
 */
export function createHeartbeat(clock: Clock): Heartbeat {
  const slots = Array.from({ length: ticks }, () => new Set<Beating>());
  let tick = 0;
  let added = 0;

  const slotAt = (index: number): Set<Beating> => slots[index % ticks] ?? new Set();

  function beat(): void {
    tick++;
    inSlices(slotAt(tick), (connection) => connection.ping());
    // Those that were pinged that long ago.
    inSlices(slotAt(tick + ticks - pongTicks), (connection) => connection.expectPong?.());
  }

  return {
    add(connection) {
      connection.slot = Math.floor(added++ / slice) % ticks;
      slotAt(connection.slot).add(connection);
    },
    delete(connection) {
      slotAt(connection.slot ?? 0).delete(connection);
    },
    stop: clock.every(tickMs, beat),
  };
}
