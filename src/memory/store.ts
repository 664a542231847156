import type { Clock } from '../signaling/clock.ts';
import {
  type AccessField,
  type Change,
  type Cut,
  type Deadline,
  type Departure,
  type Document,
  defaultGraceMs,
  type IdempotencyKey,
  type KnownSocket,
  type Logged,
  type Opened,
  type Opening,
  type Outcome,
  type Put,
  type Reading,
  type Row,
  type SocketRecord,
  type Store,
  type UserRecord,
} from '../signaling/ports.ts';
import type { Topic } from '../signaling/topic.ts';
import { createExpiringMap } from './expiring-map.ts';
import { createMemoryLog } from './log.ts';

/** What is known about one user. Values are text, so that nothing is shared with those who gave them. */
interface User {
  readonly access: Map<string, AccessField>;
  readonly sockets: Map<string, Registered>;
  readonly live: Map<string, string>;
}

/** A socket's record as text, and when its connection ended in milliseconds; 0 while it is connected. */
interface Registered {
  readonly record: string;
  readonly generation: number;
  readonly ended: number;
}

/** How often what has ended is dropped, in milliseconds. */
const purgeMs = 10_000;

/** How long it is known which socket of a device was closed last, in milliseconds. */
const departureMs = 2 * 60_000;

/** See the port. Everything lives in this process, and ends with it. `publish` tells the bus of each entry. */
export function createMemoryStore(
  clock: Clock,
  publish: (entry: Logged) => void,
  graceMs = defaultGraceMs,
): Store & { stop(): void } {
  const log = createMemoryLog(clock, publish);
  const users = new Map<string, User>();
  const owners = new Map<string, string>();
  /** Sockets in grace, and when that began. */
  const graces = new Map<string, number>();
  const departures = createExpiringMap<readonly Departure[]>(clock);
  const documents = createExpiringMap<Document>(clock);
  const lists = new Map<string, Omit<Row, 'list' | 'keep'>[]>();
  const timers = new Map<string, number>();
  const keys = createExpiringMap<IdempotencyKey>(clock);
  const hubCounts = new Map<string, number>();
  const stop = clock.every(purgeMs, () => {
    log.purge();
    departures.purge();
    documents.purge();
    keys.purge();
  });

  function userOf(uid: string): User {
    const user = users.get(uid) ?? { access: new Map(), sockets: new Map(), live: new Map() };
    users.set(uid, user);
    return user;
  }

  function refusal({ expect = [], key }: Change): Outcome | undefined {
    const known = key && keys.get(key.id);
    if (known) {
      const same = known.fingerprint === key.fingerprint;
      return same ? { status: 'REPEATED', result: known.result } : { status: 'KEY_CONFLICT' };
    }
    const changed = expect.some(({ id, rev }) => (documents.get(id)?.rev ?? 0) !== rev);
    return changed ? { status: 'CONFLICT' } : undefined;
  }

  function commit(change: Change): Outcome {
    const refused = refusal(change);
    if (refused) return refused;
    const numbers = (change.append ?? []).map((entry) => log.append(entry));
    change.put?.forEach(put);
    change.rows?.forEach(addRow);
    for (const { id, at } of change.timers ?? []) at === null ? timers.delete(id) : timers.set(id, at);
    setAccess(change.access ?? []);
    if (change.key) keys.set(change.key.id, { ...change.key }, change.key.ttlMs);
    return { status: 'DONE', numbers };
  }

  function put({ id, rev, body, ttlMs, live }: Put): void {
    documents.set(id, { id, rev, body }, ttlMs);
    for (const { uid, listed } of live) {
      if (listed) userOf(uid).live.set(id, body);
      else users.get(uid)?.live.delete(id);
    }
  }

  function addRow({ list, id, body, at, keep }: Row): void {
    const others = (lists.get(list) ?? []).filter((row) => row.id !== id && row.at > clock.now() - keep.ms);
    const rows = [...others, { id, body, at }].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
    lists.set(list, rows.slice(0, keep.rows));
  }

  function setAccess(changes: NonNullable<Change['access']>): void {
    const since = log.last();
    for (const { uid, field, value, ifSince } of changes) {
      const { access } = userOf(uid);
      if (ifSince !== undefined && access.get(field)?.since !== ifSince) continue;
      if (value === null) access.delete(field);
      else access.set(field, { value, since });
    }
  }

  function open(opening: Opening): Opened | undefined {
    const { uid, socket, counts, reading, replaces } = opening;
    const { sockets } = userOf(uid);
    const present = sockets.get(socket.socketId);
    if (present && present.generation > replaces && known(present).length > 0) return undefined;
    const cut = read(reading);
    setAccess(opening.access);
    register(uid, socket, 0);
    setCounts(counts);
    return { ...cut, user: recordOf(uid) };
  }

  function register(uid: string, record: SocketRecord, ended: number): void {
    const { socketId, generation } = record;
    userOf(uid).sockets.set(socketId, { record: JSON.stringify(record), generation, ended });
    owners.set(socketId, uid);
    if (ended === 0) graces.delete(socketId);
    else graces.set(socketId, ended);
  }

  function read({ topics, epoch, limit }: Reading): Cut {
    const cut = log.cut();
    const kept = topics.map(({ topic, after }) => ({
      topic,
      last: log.lastOf(topic),
      entries: epoch === cut.epoch ? log.after(topic, after) : [],
    }));
    const entries = kept.flatMap((topic) => topic.entries);
    const bytes = entries.reduce((sum, entry) => sum + Buffer.byteLength(entry.body), 0);
    const tooMuch = entries.length > limit.entries || bytes > limit.bytes;
    return { ...cut, topics: tooMuch ? kept.map((topic) => ({ ...topic, entries: [] })) : kept, tooMuch };
  }

  function reclaim(
    sockets: readonly { readonly uid: string; readonly record: SocketRecord }[],
    counts: ReadonlyMap<string, number>,
  ): string[] {
    setCounts(counts);
    return sockets.flatMap(({ uid, record }) => {
      const present = users.get(uid)?.sockets.get(record.socketId);
      if (present && present.generation > record.generation) return record.socketId;
      register(uid, record, 0);
      return [];
    });
  }

  function close(sockets: readonly Departure[], counts: ReadonlyMap<string, number>): void {
    for (const departure of sockets) {
      const { uid, socketId, deviceId, generation, at, final } = departure;
      const present = users.get(uid)?.sockets.get(socketId);
      if (present && present.generation <= generation)
        register(uid, JSON.parse(present.record) as SocketRecord, final ? at - graceMs : at);
      if (departure.by === null) continue;
      const others = (departures.get(uid) ?? []).filter((each) => each.deviceId !== deviceId);
      departures.set(uid, [...others, { ...departure }], departureMs);
    }
    setCounts(counts);
  }

  function sweep(): string[] {
    const over = [...graces].filter(([, ended]) => ended <= clock.now() - graceMs);
    return over.flatMap(([socketId]) => {
      const uid = owners.get(socketId) ?? '';
      const user = users.get(uid);
      graces.delete(socketId);
      owners.delete(socketId);
      user?.sockets.delete(socketId);
      return user?.sockets.size === 0 ? uid : [];
    });
  }

  function setCounts(counts: ReadonlyMap<string, number>): void {
    for (const [hubId, count] of counts) {
      if (count === 0) hubCounts.delete(hubId);
      else hubCounts.set(hubId, count);
    }
  }

  function accessOf(uid: string): UserRecord['access'] {
    return new Map([...(users.get(uid)?.access ?? [])].map(([field, known]) => [field, { ...known }]));
  }

  function recordOf(uid: string): UserRecord {
    const user = users.get(uid);
    return {
      access: accessOf(uid),
      sockets: [...(user?.sockets.values() ?? [])].flatMap(known),
      live: [...(user?.live.values() ?? [])],
    };
  }

  /** The socket, if it is connected or in grace. */
  function known({ record, ended }: Registered): KnownSocket[] {
    if (ended !== 0 && ended + graceMs <= clock.now()) return [];
    return [{ ...(JSON.parse(record) as SocketRecord), connected: ended === 0 }];
  }

  function socketOf(uid: string, socketId: string): KnownSocket | undefined {
    const registered = users.get(uid)?.sockets.get(socketId);
    return registered && known(registered)[0];
  }

  function ownerOf(socketId: string): string | undefined {
    const uid = owners.get(socketId);
    return uid !== undefined && socketOf(uid, socketId) ? uid : undefined;
  }

  function rows(list: string, { first, after }: { first: number; after: string | null }) {
    const all = lists.get(list) ?? [];
    const before = after === null ? -1 : all.findIndex((row) => row.id === after);
    if (after !== null && before === -1) return undefined;
    return all.slice(before + 1, before + 1 + first).map(({ id, body }) => ({ id, body }));
  }

  function document(id: string): Document | undefined {
    const found = documents.get(id);
    return found && { ...found };
  }

  function result(keyId: string): Pick<IdempotencyKey, 'fingerprint' | 'result'> | undefined {
    const known = keys.get(keyId);
    return known && { fingerprint: known.fingerprint, result: known.result };
  }

  function deadlines(until: number, limit: number): Deadline[] {
    const all = [...timers].map(([id, at]) => ({ id, at }));
    const found = all.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
    return found.slice(0, limit);
  }

  function countOf(hubId: string) {
    const sockets = hubCounts.get(hubId) ?? 0;
    return { sockets, nodes: sockets > 0 ? 1 : 0 };
  }

  return {
    commit: async (change) => commit(change),
    open: async (opening) => open(opening),
    read: async (reading) => read(reading),
    reclaim: async (sockets, counts) => reclaim(sockets, counts),
    close: async (sockets, counts) => close(sockets, counts),
    sweep: async () => sweep(),
    user: async (uid) => recordOf(uid),
    access: async (uid) => accessOf(uid),
    socket: async (uid, socketId) => socketOf(uid, socketId),
    departures: async (uid) => (departures.get(uid) ?? []).map((departure) => ({ ...departure })),
    ownerOf: async (socketId) => ownerOf(socketId),
    document: async (id) => document(id),
    entries: async (topic: Topic, after) => log.after(topic, after),
    rows: async (list, page) => rows(list, page),
    result: async (keyId) => result(keyId),
    counts: async (hubIds) => new Map(hubIds.map((hubId) => [hubId, countOf(hubId)])),
    deadlines: async (until, limit) => deadlines(until, limit),
    ready: async () => {},
    stop,
  };
}
