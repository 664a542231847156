import type { Clock } from '../signaling/clock.ts';
import { heartbeatMs } from '../signaling/open.ts';
import { inSlices } from '../signaling/slices.ts';

/** A connection that wants to be told when to give a sign of life. */
export interface Beating {
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

const seconds = heartbeatMs / 1000;

/** How long an answer may take, in seconds. */
const pongSeconds = 6;

/** How many connections one turn of the event loop serves: half a millisecond's work, so that no signal waits for all. */
const slice = 64;

/** Pings every connection once per heartbeat, spread over its seconds, with one timer for all. */
export function createHeartbeat(clock: Clock): Heartbeat {
  const slots = Array.from({ length: seconds }, () => new Set<Beating>());
  let now = 0;
  let added = 0;

  const slot = (second: number): Set<Beating> => slots[second % seconds] ?? new Set();

  function beat(): void {
    now++;
    inSlices(slot(now), slice, (connection) => connection.ping());
    // Those that were pinged that long ago.
    inSlices(slot(now + seconds - pongSeconds), slice, (connection) => connection.expectPong?.());
  }

  return {
    add(connection) {
      slot(added++).add(connection);
    },
    delete(connection) {
      for (const each of slots) each.delete(connection);
    },
    stop: clock.every(1000, beat),
  };
}
