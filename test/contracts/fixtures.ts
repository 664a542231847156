import type {
  Departure,
  Entry,
  KnownSocket,
  Logged,
  Opened,
  Opening,
  Put,
  Reading,
  Row,
  SocketRecord,
  Store,
} from '../../src/signaling/ports.ts';
import type { Retention, Topic } from '../../src/signaling/topic.ts';

const retention: Retention = { entries: 1000, bytes: 4 * 1024 * 1024, idleMs: 60_000 };

export function entry(topic: Topic, body = '{}', kept: Partial<Retention> = {}): Entry {
  return { topic, body, retention: { ...retention, ...kept } };
}

export function document(id: string, rev: number, body = `{"rev":${rev}}`, ttlMs = 60_000): Put {
  return { id, rev, body, ttlMs, live: [] };
}

export function row(list: string, id: string, at: number, kept: Partial<Row['keep']> = {}): Row {
  return { list, id, body: `{"row":"${id}"}`, at, keep: { rows: 1000, ms: 60_000, ...kept } };
}

export function socket(socketId: string, details: Partial<SocketRecord> = {}): SocketRecord {
  return { socketId, deviceId: 'phone', deviceLabel: null, openedAt: 1, generation: 1, keys: [], ...details };
}

/** A socket as others see it while it is connected. */
export function connected(record: SocketRecord): KnownSocket {
  return { ...record, connected: true };
}

/** A socket as others see it while it is in grace. */
export function inGrace(record: SocketRecord): KnownSocket {
  return { ...record, connected: false };
}

/** The end of a socket of bob's phone, by itself. */
export function departure(socketId: string, details: Partial<Departure> = {}): Departure {
  return {
    uid: 'bob',
    socketId,
    deviceId: 'phone',
    generation: 1,
    at: 1,
    by: 'CLIENT',
    final: false,
    ...details,
  };
}

/** The opening of bob's socket `s1`, which reads nothing unless told to. */
export function opening({
  topics = [],
  epoch = null,
  limit = { entries: 1000, bytes: 1024 * 1024 },
  ...details
}: Partial<Opening> & Partial<Reading> = {}): Opening {
  return {
    uid: 'bob',
    socket: socket('s1'),
    replaces: 1,
    access: [],
    counts: new Map(),
    reading: { topics, epoch, limit },
    ...details,
  };
}

/** Opens a socket that nobody else has. */
export async function open(store: Store, details: Parameters<typeof opening>[0] = {}): Promise<Opened> {
  const opened = await store.open(opening(details));
  if (!opened) throw new Error('The socket is taken.');
  return opened;
}

export function numbersOf(entries: readonly Logged[]): number[] {
  return entries.map(({ number }) => number);
}

export function bodiesOf(entries: readonly { readonly body: string }[]): string[] {
  return entries.map(({ body }) => body);
}

export function ascending(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
