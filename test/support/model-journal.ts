import type { Call } from '../../src/signaling/call.ts';
import type { CallRecord } from '../../src/signaling/history.ts';
import type { Change } from '../../src/signaling/ports.ts';
import type { Envelope } from '../../src/signaling/signal.ts';

/** Everything that was committed, as the model saw it go by: what the engines must show. */
export interface Journal {
  /** Every revision of every call, from the first. */
  readonly calls: ReadonlyMap<string, readonly Call[]>;
  /** Deadlines by the id of their document. */
  readonly timers: ReadonlyMap<string, number>;
  /** Grants of rooms, as `uid field`. */
  readonly rooms: ReadonlySet<string>;
  /** The records that were told, by the user they were told to. */
  readonly logged: ReadonlyMap<string, readonly CallRecord[]>;
  at(callId: string, rev: number): Call | undefined;
  last(callId: string): Call | undefined;
  /** The calls that have not ended. */
  open(): Call[];
  /** The calls of a change, as they are after it. */
  write(change: Change): Call[];
}

export function createJournal(): Journal {
  const calls = new Map<string, Call[]>();
  const timers = new Map<string, number>();
  const rooms = new Set<string>();
  const logged = new Map<string, CallRecord[]>();

  function write(change: Change): Call[] {
    for (const { id, at } of change.timers ?? []) at === null ? timers.delete(id) : timers.set(id, at);
    for (const { uid, field, value } of change.access ?? []) {
      if (!field.startsWith('room:')) continue;
      if (value === null) rooms.delete(`${uid} ${field}`);
      else rooms.add(`${uid} ${field}`);
    }
    for (const { owner, record } of recordsOf(change))
      logged.set(owner, [...(logged.get(owner) ?? []), record]);
    const changed = callsOf(change);
    for (const call of changed) calls.set(call.id, [...(calls.get(call.id) ?? []), call]);
    return changed;
  }

  return {
    calls,
    timers,
    rooms,
    logged,
    at: (callId, rev) => calls.get(callId)?.[rev - 1],
    last: (callId) => calls.get(callId)?.at(-1),
    open: () =>
      [...calls.values()]
        .flatMap((revisions) => revisions.slice(-1))
        .filter(({ state }) => state !== 'ENDED'),
    write,
  };
}

/** The calls that a change puts. */
export function callsOf({ put = [] }: Change): Call[] {
  return put.flatMap(({ id, body }) => (id.startsWith('call:') ? [JSON.parse(body) as Call] : []));
}

/** A signal of a change, and the user it is for. */
export interface Told {
  readonly uid: string;
  readonly envelope: Envelope;
}

export function toldBy({ append = [] }: Change): Told[] {
  return append.flatMap(({ topic, body }) =>
    topic.startsWith('user:')
      ? [{ uid: topic.slice('user:'.length), envelope: JSON.parse(body) as Envelope }]
      : [],
  );
}

function recordsOf(change: Change): { owner: string; record: CallRecord }[] {
  return toldBy(change).flatMap(({ uid, envelope }) =>
    envelope.kind === 'CallLogged' ? [{ owner: uid, record: envelope.record }] : [],
  );
}
