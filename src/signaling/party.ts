import type { Call } from './call.ts';
import { findCall, isParty } from './call-document.ts';
import type { Caller } from './caller.ts';
import { SignalingError } from './errors.ts';
import type { Store } from './ports.ts';

/**
 * A call that the caller is a party of. Throws NOT_FOUND; a call of others looks like one that does not exist. What the
 * operation's guard has just read is taken once: who has to decide again reads again.
 */
export async function callOf(store: Store, caller: Caller, callId: string, field: string): Promise<Call> {
  const guarded = caller.guarded.get(callId);
  caller.guarded.delete(callId);
  return guarded ?? requireParty(await findCall(store, callId), caller, field);
}

/** Guards a field that is about a call: reads who asks and what about side by side. Throws as `callOf`. */
export async function guardCall(store: Store, asking: Promise<Caller>, callId: string): Promise<void> {
  const [caller, call] = await Promise.all([asking, findCall(store, callId)]);
  caller.guarded.set(callId, requireParty(call, caller, 'callId'));
}

function requireParty(call: Call | undefined, { identity }: Caller, field: string): Call {
  if (call && isParty(call, identity.uid)) return call;
  throw new SignalingError('NOT_FOUND', 'You are no party of a call with this id.', { field });
}
