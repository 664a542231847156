import type { Call, CallState } from './call.ts';
import { deviceKey } from './leg.ts';
import type { Document, KnownSocket, Put, Store } from './ports.ts';

/** How a call is stored: one document, on the lists of live documents of both sides until it ends. */

/** How long a call stays readable after its last change, in milliseconds: one that ended for a day. */
const ttlMs: Record<CallState, number> = {
  // No call outlives its deadline by more than the time for which no node runs.
  RINGING: 2 * 24 * 60 * 60 * 1000,
  ACCEPTED: 2 * 24 * 60 * 60 * 1000,
  ENDED: 24 * 60 * 60 * 1000,
};

const prefix = 'call:';

/** The id under which a call is stored, and its deadline. */
export const callDocumentId = (callId: string): string => prefix + callId;

export function putCall(call: Call): Put {
  const listed = call.state !== 'ENDED';
  return {
    id: callDocumentId(call.id),
    rev: call.rev,
    body: JSON.stringify(call),
    ttlMs: ttlMs[call.state],
    live: [call.caller, call.callee].map((uid) => ({ uid, listed })),
  };
}

export function readCall(document: Pick<Document, 'body'>): Call {
  return JSON.parse(document.body) as Call;
}

/** The call of this id as it is now. */
export async function findCall(store: Store, callId: string): Promise<Call | undefined> {
  const document = await store.document(callDocumentId(callId));
  return document && readCall(document);
}

export function isParty(call: Call, uid: string): boolean {
  return call.caller === uid || call.callee === uid;
}

/** It has not ended, and its time is not over. */
export function isLive(call: Pick<Call, 'state' | 'expiresAt'>, now: number): boolean {
  return call.state !== 'ENDED' && now < call.expiresAt;
}

export function otherSide(call: Call, uid: string): string {
  return call.caller === uid ? call.callee : call.caller;
}

/** The live calls among a user's live documents, oldest first. */
export function liveCalls(bodies: readonly string[], now: number): Call[] {
  const calls = bodies.map((body) => readCall({ body })).filter((call) => isLive(call, now));
  return calls.sort((a, b) => a.createdAt - b.createdAt);
}

/** Whether one side of a call has an open socket: on the device that is in it, on any when that is not known. */
export function isConnected(call: Call, uid: string, sockets: readonly KnownSocket[]): boolean {
  const device = uid === call.caller ? call.callerDevice : call.winner;
  const deviceId = device?.deviceId ?? null;
  return sockets.some((socket) => socket.connected && (deviceId === null || deviceKey(socket) === deviceId));
}
