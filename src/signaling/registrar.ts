import type { Clock, Wheel } from './clock.ts';
import type { Log } from './log.ts';
import type { Departure, Store } from './ports.ts';
import type { Socket } from './socket.ts';
import { hubOf, type Topic } from './topic.ts';

/** Keeps the store's register true: which sockets have left this node, and how many listen to each hub. */
export interface Registrar {
  /** `isFinal`: it will not come back. */
  left(socket: Socket, by: NonNullable<Departure['by']>, isFinal: boolean): void;
  /** Another number of sockets listens to the topic. */
  changed(topic: Topic): void;
  /** Resolves when what was reported so far has been told once. */
  told(): Promise<void>;
}

/** How many departures one command tells: the store serves nobody else meanwhile. */
const chunk = 512;

/** How long to wait before telling again what the store did not take, in milliseconds. */
const retryMs = 1000;

export interface RegistrarParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly log: Log;
  counts(topics: Iterable<Topic>): Map<string, number>;
}

/** What is reported while the store is busy with earlier reports goes out in one command. */
export function createRegistrar({ store, clock, wheel, log, counts }: RegistrarParts): Registrar {
  let gone: Departure[] = [];
  let changes = new Set<Topic>();
  let scheduled = false;
  let telling: Promise<void> = Promise.resolve();

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    telling = telling.then(tell);
  }

  async function tell(): Promise<void> {
    scheduled = false;
    while (gone.length > 0 || changes.size > 0) {
      const topics = changes;
      changes = new Set();
      if (!(await tellSome(gone.splice(0, chunk), topics))) return;
    }
  }

  async function tellSome(sockets: readonly Departure[], topics: ReadonlySet<Topic>): Promise<boolean> {
    try {
      await store.close(sockets, counts(topics));
      return true;
    } catch (error) {
      log.warn(
        { error, sockets: sockets.length },
        'closed sockets could not be forgotten; they are told again',
      );
      gone = [...sockets, ...gone];
      changes = new Set([...topics, ...changes]);
      wheel.at(clock.now() + retryMs, schedule);
      return false;
    }
  }

  return {
    left({ uid, ready, record: { socketId, deviceId, generation } }, by, isFinal) {
      // One that never was ready is nobody's loss, unless it took up one that was.
      const final = isFinal || (!ready && generation === 1);
      gone.push({ uid, socketId, deviceId, generation, at: clock.now(), by: ready ? by : null, final });
      schedule();
    },
    changed(topic) {
      if (hubOf(topic) === undefined) return;
      changes.add(topic);
      schedule();
    },
    told: () => telling,
  };
}
