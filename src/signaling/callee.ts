import type { Caller, Identity } from './caller.ts';
import { isId } from './check.ts';
import { findPair, type Pair } from './pair.ts';
import type { Store, UserRecord } from './ports.ts';
import type { TargetInput } from './target.ts';

/** Whom somebody dials, and which call the two had last. */
export interface Callee {
  readonly uid: string;
  readonly record: UserRecord;
  readonly pair: Pair;
}

/**
 * Reads whom a dial names beside who dials, and not after: a trip to the store less until somebody rings. Whoever may not
 * dial is told nothing of it.
 */
export async function readCalleeAhead(
  store: Store,
  { uid }: Identity,
  asking: Promise<Caller>,
  { target }: { readonly target: TargetInput },
): Promise<void> {
  const named = target.uid ?? '';
  if (!isId(named)) return;
  const [caller, callee] = await Promise.all([asking, read(store, uid, named)]);
  caller.callee = callee;
}

/** As read ahead, which is taken once: who has to decide again reads again. */
export async function calleeOf(store: Store, caller: Caller, uid: string): Promise<Callee> {
  const { callee } = caller;
  caller.callee = undefined;
  return callee?.uid === uid ? callee : read(store, caller.identity.uid, uid);
}

async function read(store: Store, caller: string, uid: string): Promise<Callee> {
  const [record, pair] = await Promise.all([store.user(uid), findPair(store, caller, uid)]);
  return { uid, record, pair };
}
