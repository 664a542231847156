import type { Clock } from './clock.ts';
import { SignalingError } from './errors.ts';
import type { Log } from './log.ts';
import type { Bus, Cut, Store } from './ports.ts';
import type { Socket } from './socket.ts';
import type { Topic } from './topic.ts';

/*
 * The only gap filler: whenever entries may have been missed, everything is subscribed again, this node's sockets are
 * registered again, and every topic is read after the last entry that is known of it.
 */

/** What was found. */
export interface Restored {
  /** All of one epoch. A topic of which nothing is known yet is in none: whoever opens it reads it. */
  readonly cuts: readonly Cut[];
  /** Sockets that others have taken up meanwhile. */
  readonly taken: readonly Socket[];
}

export interface Resync {
  /** Begins, or begins again if it runs already. */
  begin(): void;
  /** Resolves when it is over. Throws UNAVAILABLE when that takes longer than about a second. */
  soon(): Promise<void>;
  stop(): void;
}

/** How many topics, or sockets, one command concerns. */
const chunk = 512;

/** How long to wait before trying again, in milliseconds. */
const retryMs = 150;

/** How long those wait who want to subscribe meanwhile, in milliseconds. */
const patienceMs = 1000;

/** The most that is read at a time. */
const limit = { entries: 20_000, bytes: 32 * 1024 * 1024 };

export interface ResyncParts {
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  counts(topics: Iterable<Topic>): Map<string, number>;
  /** What is to be restored, asked for when it gets to that. */
  topics(): readonly { readonly topic: Topic; readonly after: number | undefined }[];
  sockets(): readonly Socket[];
  epoch(): string | null;
  /** Called once, in the turn in which nothing is missing. */
  restored(found: Restored): void;
}

export function createResync(parts: ResyncParts): Resync {
  const { bus, store, clock, log, counts, restored } = parts;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  function begin(): void {
    again = true;
    running ??= run().finally(() => {
      running = undefined;
    });
  }

  async function run(): Promise<void> {
    while (!stopped) {
      again = false;
      try {
        const found = await read();
        // What was lost meanwhile is read at once.
        if (again) continue;
        restored(found);
        return;
      } catch (error) {
        log.warn({ error }, 'what was missed cannot be read yet');
      }
      await pause();
    }
  }

  async function read(): Promise<Restored> {
    const wanted = parts.topics();
    for (const some of chunks(wanted)) await bus.subscribe(some.map(({ topic }) => topic));
    const taken: Socket[] = [];
    // Some may leave while others are registered.
    for (const some of chunks(parts.sockets()))
      taken.push(...(await reclaim(some.filter(({ closed }) => !closed))));
    const cuts: Cut[] = [];
    const known = wanted.flatMap(({ topic, after }) => (after === undefined ? [] : { topic, after }));
    for (const some of chunks(known))
      cuts.push(await store.read({ topics: some, epoch: parts.epoch(), limit }));
    if (new Set(cuts.map((cut) => cut.epoch)).size > 1)
      throw new Error('The epoch changed while it was read.');
    await bus.settled();
    return { cuts, taken };
  }

  async function reclaim(sockets: readonly Socket[]): Promise<Socket[]> {
    const topics = new Set(sockets.flatMap((socket) => [...socket.topics.keys()]));
    const taken = new Set(await store.reclaim(sockets, counts(topics)));
    return sockets.filter(({ record }) => taken.has(record.socketId));
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const stop = clock.every(retryMs, () => {
        stop();
        resolve();
      });
    });
  }

  /** With timers of its own: the wheel may turn two seconds late. */
  function soon(): Promise<void> {
    return new Promise((resolve, reject) => {
      const refused = new SignalingError('UNAVAILABLE', 'The store is not available. Try again.', {
        retryAfterMs: 500,
      });
      const callOff = clock.every(patienceMs, () => {
        callOff();
        reject(refused);
      });
      void running?.then(() => {
        callOff();
        resolve();
      });
    });
  }

  return {
    begin,
    soon,
    stop: () => {
      stopped = true;
    },
  };
}

function* chunks<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let i = 0; i < items.length; i += chunk) yield items.slice(i, i + chunk);
}
