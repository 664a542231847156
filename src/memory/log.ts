import type { Clock } from '../signaling/clock.ts';
import type { Cursor } from '../signaling/cursor.ts';
import { createEpoch } from '../signaling/id.ts';
import type { Entry, Logged } from '../signaling/ports.ts';
import type { Retention, Topic } from '../signaling/topic.ts';
import { createExpiringMap } from './expiring-map.ts';

/** The log of one process: its sequence, and what each topic keeps. */
export interface MemoryLog {
  /** Numbers, keeps and publishes an entry; returns its number. */
  append(entry: Entry): number;
  /** Moves the sequence to now, and returns the place: every later entry lies above it. */
  cut(): Cursor;
  last(): number;
  lastOf(topic: Topic): number;
  after(topic: Topic, number: number): readonly Logged[];
  purge(): void;
}

interface Kept {
  entries: Logged[];
  bytes: number;
}

/** How long it is known which was a topic's last number, in milliseconds. */
const recordMs = 24 * 60 * 60 * 1000;

export function createMemoryLog(clock: Clock, publish: (entry: Logged) => void): MemoryLog {
  const epoch = createEpoch();
  const kept = createExpiringMap<Kept>(clock);
  const records = createExpiringMap<number>(clock);
  let last = 0;

  function append({ topic, body, retention }: Entry): number {
    last = Math.max(clock.now() * 1000, last + 1);
    const entry: Logged = { epoch, number: last, topic, previous: records.get(topic) ?? 0, body };
    records.set(topic, last, recordMs);
    keep(entry, retention);
    publish({ ...entry });
    return last;
  }

  function keep(entry: Logged, retention: Retention): void {
    const { entries, bytes } = kept.get(entry.topic) ?? { entries: [], bytes: 0 };
    let size = bytes + Buffer.byteLength(entry.body);
    entries.push(entry);
    while (entries.length > retention.entries || size > retention.bytes) {
      size -= Buffer.byteLength(entries.shift()?.body ?? '');
    }
    kept.set(entry.topic, { entries, bytes: size }, retention.idleMs);
  }

  return {
    append,
    cut() {
      last = Math.max(clock.now() * 1000, last);
      return { epoch, number: last };
    },
    last: () => last,
    lastOf: (topic) => records.get(topic) ?? 0,
    after(topic, number) {
      const entries = kept.get(topic)?.entries ?? [];
      return entries.filter((entry) => entry.number > number).map((entry) => ({ ...entry }));
    },
    purge() {
      kept.purge();
      records.purge();
    },
  };
}
