import type { Call } from './call.ts';
import { findCall } from './call-document.ts';
import type { Change, Store } from './ports.ts';

/** Which call two users had last: what both of them change when either dials, so that they cannot miss each other. */
export interface Pair {
  /** Null when they had none within two days. */
  readonly call: Call | null;
  readonly rev: number;
}

const ttlMs = 2 * 24 * 60 * 60 * 1000;

/** Either order of the two gives the same id; no id of a user contains a slash. */
const pairDocumentId = (a: string, b: string): string => `pair:${[a, b].sort().join('/')}`;

export async function findPair(store: Store, a: string, b: string): Promise<Pair> {
  const document = await store.document(pairDocumentId(a, b));
  if (!document) return { call: null, rev: 0 };
  return { call: (await findCall(store, document.body)) ?? null, rev: document.rev };
}

/** Makes a call the one that its two users have. */
export function putPair({ id, caller, callee }: Call, { rev }: Pair): Change {
  const pairId = pairDocumentId(caller, callee);
  return {
    expect: [{ id: pairId, rev }],
    put: [{ id: pairId, rev: rev + 1, body: id, ttlMs, live: [] }],
  };
}
