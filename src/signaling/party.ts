import { type Call, callDocumentId, isParty, readCall } from './call.ts';
import type { Caller } from './caller.ts';
import { SignalingError } from './errors.ts';
import type { Store } from './ports.ts';

/** A call that the caller is a party of. Throws NOT_FOUND; a call of others looks like one that does not exist. */
export async function callOf(store: Store, caller: Caller, callId: string, field: string): Promise<Call> {
  const document = await store.document(callDocumentId(callId));
  const call = document && readCall(document);
  if (call && isParty(call, caller.identity.uid)) return call;
  throw new SignalingError('NOT_FOUND', 'You are no party of a call with this id.', { field });
}
