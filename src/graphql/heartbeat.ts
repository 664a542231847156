import { type Clock, createPace, pause } from '../signaling/clock.ts';
import { heartbeatMs } from '../signaling/open.ts';
import { inSlices, slice } from '../signaling/slices.ts';

/** A connection that wants to be told when to give a sign of life. */
export interface Beating {
  /** Those that are pinged with it. For the heartbeat alone. */
  slot?: Set<Beating> | undefined;
  /** One is due in `leadMs`: whatever is written meanwhile may carry it. */
  owe?(): void;
  /** Send one now, unless something has carried it since `owe`. */
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
const ticks = heartbeatMs / tickMs;

/** How long a sign of life waits for a signal that may carry it, in milliseconds: it comes so much earlier then. */
const leadMs = 1000;
const leadTicks = leadMs / tickMs;

/** How long an answer may take, in ticks. */
const pongTicks = 6 * ticksPerSecond;

/**
 * How many are pinged in one go, and the pause after them, in milliseconds: that is half a millisecond's work, and as much for
 * their answers, in which somebody who is to be rung has to wait. Of many more there are more in one go, so that all are
 * pinged in half a beat.
 */
const group = { size: 32, pauseMs: 8, most: Math.floor(tickMs / 2 / 8) };

/** With up to so many connections for each second, it beats once a second: seldom does it wake an idle process. */
const fewPerSecond = 2 * slice;

/**
 * Pings every connection once per heartbeat, with one timer for all. Many are spread over its quarters of a second, and in
 * each over groups a few milliseconds apart: what is pinged in one go is answered in one go, and whoever is to be rung
 * meanwhile waits behind it, here and on their device. Those that were opened together are pinged together: they are
 * neighbours in memory, and that is cold by then.
 */
export function createHeartbeat(clock: Clock): Heartbeat {
  const slots = Array.from({ length: ticks }, () => new Set<Beating>());
  const wholeSeconds = slots.filter((_, index) => index % ticksPerSecond === 0);
  const others = slots.filter((slot) => !wholeSeconds.includes(slot));
  let tick = 0;
  let tickedAt = clock.now();
  let filling: Set<Beating> | undefined;
  let added = 0;
  const pace = createPace(clock, 1000, beat);

  const slotAt = (index: number): Set<Beating> => slots[index % ticks] ?? new Set();

  function beat(): void {
    const from = tick + 1;
    tick += ticksPassed();
    // All at once, for it is nothing but a note: after a long turn some are pinged right away.
    for (const connection of during(from + leadTicks, tick + leadTicks)) connection.owe?.();
    void pingInGroups([...during(from, tick)]);
    // Those that were pinged that long ago.
    const ago = ticks - pongTicks;
    inSlices(during(from + ago, tick + ago), (connection) => connection.expectPong?.());
    if (others.some(({ size }) => size > 0)) pace.keepTo(tickMs);
    // Whoever is pinged has to be looked at so many beats later: they keep to whole seconds.
    else if (tick % ticksPerSecond === 0) pace.keepTo(1000);
  }

  /** Since the last beat, in whole intervals: of a sleep, or of a clock that was set, no more than a second counts. */
  function ticksPassed(): number {
    const passed = Math.round((clock.now() - tickedAt) / pace.everyMs) * pace.everyMs;
    const isSteady = passed >= 0 && passed <= 2000;
    tickedAt = isSteady ? tickedAt + passed : clock.now();
    return (isSteady ? passed : 1000) / tickMs;
  }

  function* during(first: number, last: number): Generator<Beating, undefined> {
    for (let index = first; index <= last; index++) yield* slotAt(index);
    return undefined;
  }

  /** Of those on whole seconds the emptiest, as long as they are enough. */
  function nextSlot(): Set<Beating> {
    const slot = emptiest(wholeSeconds);
    return slot.size < fewPerSecond ? slot : emptiest(slots);
  }

  return {
    add(connection) {
      if (added++ % slice === 0 || !filling) filling = nextSlot();
      connection.slot = filling.add(connection);
    },
    delete(connection) {
      connection.slot?.delete(connection);
    },
    stop: pace.stop,
  };
}

async function pingInGroups(connections: readonly Beating[]): Promise<void> {
  const size = Math.max(group.size, Math.ceil(connections.length / group.most));
  for (let from = 0; from < connections.length; from += size) {
    if (from > 0) await pause(group.pauseMs);
    // Some may have left.
    for (const connection of connections.slice(from, from + size))
      if (connection.slot?.has(connection)) connection.ping();
  }
}

function emptiest(slots: readonly Set<Beating>[]): Set<Beating> {
  return slots.reduce((least, slot) => (slot.size < least.size ? slot : least));
}
