import type { Change } from '../signaling/ports.ts';
import type { Keys } from './keys.ts';

/** What a script is called with: keys, and arguments after the three of sequence.lua. */
export interface Call {
  readonly keys: string[];
  readonly argv: string[];
}

/** The first argument of a script that is not the epoch's, in Lua's counting. */
const firstBody = 5;

/** Collects keys and bodies, and tells the plan where each of them is, in Lua's counting. */
function createCollector(keys: string[]) {
  const bodies: string[] = [];
  const places = new Map(keys.map((key, i) => [key, i + 1]));
  return {
    key(name: string): number {
      const place = places.get(name) ?? keys.push(name);
      places.set(name, place);
      return place;
    },
    body: (text: string): number => bodies.push(text) + firstBody - 1,
    call: (plan: object): Call => ({ keys, argv: [JSON.stringify(plan), ...bodies] }),
  };
}

/** A change as scripts/commit-n.lua reads it. */
export function planCommit(keys: Keys, change: Change): Call {
  const { key, body, call } = createCollector([keys.log, keys.timers]);
  const { expect = [], append = [], put = [], rows = [], timers = [], access = [] } = change;
  return call({
    key: change.key && {
      k: key(keys.key(change.key.id)),
      fingerprint: change.key.fingerprint,
      ttlMs: change.key.ttlMs,
      bResult: body(change.key.result),
    },
    expect: expect.map(({ id, rev }) => ({ k: key(keys.document(id)), rev })),
    append: append.map((entry) => ({
      kEntries: key(keys.entries(entry.topic)),
      kRecord: key(keys.record(entry.topic)),
      bChannel: body(keys.channel(entry.topic)),
      bBody: body(entry.body),
      ...entry.retention,
    })),
    put: put.map(({ id, rev, body: text, ttlMs, live }) => ({
      k: key(keys.document(id)),
      id,
      rev,
      ttlMs,
      bBody: body(text),
      live: live.map(({ uid, listed }) => ({ k: key(keys.live(uid)), listed })),
    })),
    rows: rows.map(({ list, id, at, keep, body: text }) => ({
      kList: key(keys.list(list)),
      kRows: key(keys.rows(list)),
      id,
      at,
      keepRows: keep.rows,
      keepMs: keep.ms,
      bBody: body(text),
    })),
    timers: timers.map(({ id, at }) => (at === null ? { id } : { id, at })),
    access: access.map(({ uid, field, value, ifSince }) => ({
      k: key(keys.access(uid)),
      field,
      ...(ifSince !== undefined && { ifSince: String(ifSince) }),
      ...(value !== null && { bValue: body(value) }),
    })),
  });
}
