import type { Call, EndReason } from './call.ts';
import type { Caller } from './caller.ts';
import { checkInteger, checkOptionalId } from './check.ts';
import { badInput } from './errors.ts';
import type { Row, Store } from './ports.ts';

export type CallDirection = 'OUTGOING' | 'INCOMING';

/** One side's record of a call. Times are milliseconds. */
export interface CallRecord {
  readonly id: string;
  /** Null when a message spoke of a call that the service does not know. */
  readonly callId: string | null;
  /** The other side. */
  readonly peer: string;
  readonly caller: string;
  readonly direction: CallDirection;
  readonly reason: EndReason;
  readonly missed: boolean;
  /** The seed's word for the reason, where it has one. */
  readonly status: string | null;
  readonly startedAt: number | null;
  readonly acceptedAt: number | null;
  /** Seconds. */
  readonly duration: number;
  readonly hubId: Call['hubId'];
  readonly endedAt: number;
}

/** The seed's words for reasons. */
const words: Partial<Record<EndReason, string>> = {
  CANCELLED: 'cancel',
  DECLINED: 'reject',
  BUSY: 'busy',
  HANGUP: 'leave',
};

/** The ends that the called user has missed: it rang, nobody answered, and the caller or the time ended it. */
const missable: readonly EndReason[] = ['CANCELLED', 'NO_ANSWER', 'CALLER_LOST'];

/** The records of a call that has ended, one for each side, each with its owner. Writing them again changes nothing. */
export function callRecords(call: Call): { owner: string; record: CallRecord }[] {
  const { caller, callee, acceptedAt, reason } = call;
  if (call.endedAt === null || reason === null) throw new Error(`call ${call.id} has not ended`);
  const shared = {
    id: `rec_${call.id}`,
    callId: call.id,
    caller,
    reason,
    status: words[reason] ?? null,
    startedAt: call.createdAt,
    acceptedAt,
    duration: acceptedAt === null ? 0 : Math.max(0, Math.round((call.endedAt - acceptedAt) / 1000)),
    hubId: call.hubId,
    endedAt: call.endedAt,
  };
  return [
    { owner: caller, record: { ...shared, peer: callee, direction: 'OUTGOING', missed: false } },
    {
      owner: callee,
      record: { ...shared, peer: caller, direction: 'INCOMING', missed: missable.includes(reason) },
    },
  ];
}

const days = 24 * 60 * 60 * 1000;
const keep: Row['keep'] = { rows: 1000, ms: 90 * days };

/** Everything of a user's, newest first, and the part of it with one peer: each page reads one list. */
const historyOf = (uid: string, peer: string | null): string =>
  peer === null ? `history:${uid}` : `history:${uid}/${peer}`;

export function historyRows(uid: string, record: CallRecord): Row[] {
  return [null, record.peer].map((peer) => ({
    list: historyOf(uid, peer),
    id: record.id,
    body: JSON.stringify(record),
    at: record.endedAt,
    keep,
  }));
}

export interface HistoryPage {
  readonly peer?: string | null | undefined;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** One page of the caller's call history, newest first, as a Relay connection. */
export async function callHistory(store: Store, caller: Caller, page: HistoryPage) {
  const first = checkInteger(page.first ?? 20, 'first', { least: 1, most: 100 });
  const list = historyOf(caller.identity.uid, checkOptionalId(page.peer, 'peer'));
  const after = checkOptionalId(page.after, 'after');
  // One more than asked for tells whether there is a next page.
  const rows = await store.rows(list, { first: first + 1, after });
  if (rows === undefined)
    throw badInput('after', 'This is not a cursor of this list, or its record is no longer kept.');
  const edges = rows
    .slice(0, first)
    .map(({ id, body }) => ({ cursor: id, node: JSON.parse(body) as CallRecord }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: after !== null,
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
