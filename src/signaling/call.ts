import type { Document, Put, SocketRecord } from './ports.ts';

export type CallState = 'RINGING' | 'ENDED';
export type EndReason = 'CANCELLED' | 'DECLINED' | 'HANGUP' | 'NO_ANSWER' | 'UNREACHABLE';

/** One device that a call rings on. */
export interface Leg {
  /** Null when the sockets of this leg named no device: each of them is a leg of its own. */
  readonly deviceId: string | null;
  readonly state: 'SENT';
  readonly socketIds: readonly string[];
}

/** What lets one socket of the called user enter the room. */
export interface RoomInvite {
  readonly uid: string;
  readonly roomId: string;
  readonly roomType: string;
  readonly role: 'LISTENER';
  readonly deviceId: string | null;
  readonly socketId: string;
}

/** One dial to one user. Times are milliseconds. */
export interface Call {
  readonly id: string;
  readonly rev: number;
  readonly state: CallState;
  readonly reason: EndReason | null;
  readonly hubId: string;
  readonly roomId: string;
  readonly roomType: string;
  readonly caller: string;
  readonly callerDeviceId: string | null;
  readonly callee: string;
  readonly legs: readonly Leg[];
  readonly invites: readonly RoomInvite[];
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** What both sides may know of a call: nothing of the other side's devices. */
export type CallView = Omit<Call, 'legs' | 'invites' | 'callerDeviceId'> & { readonly legs: number };

export interface NewCall {
  readonly id: string;
  readonly hubId: string;
  readonly roomId: string;
  readonly roomType: string;
  readonly caller: string;
  readonly callerDeviceId: string | null;
  readonly callee: string;
  readonly ringMs: number;
}

/** How long a call stays readable after it was made, in milliseconds. */
export const callTtlMs = 24 * 60 * 60 * 1000;

/** A call that rings on all the given sockets, or, without any, one that ended at once. */
export function startCall(
  { ringMs, ...parts }: NewCall,
  sockets: readonly SocketRecord[],
  now: number,
): Call {
  const reached = sockets.length > 0;
  return {
    ...parts,
    rev: 1,
    state: reached ? 'RINGING' : 'ENDED',
    reason: reached ? null : 'UNREACHABLE',
    legs: legsOf(sockets),
    invites: sockets.map(({ socketId, deviceId }) => ({
      uid: parts.callee,
      roomId: parts.roomId,
      roomType: parts.roomType,
      role: 'LISTENER',
      deviceId,
      socketId,
    })),
    createdAt: now,
    expiresAt: now + ringMs,
  };
}

function legsOf(sockets: readonly SocketRecord[]): Leg[] {
  const byDevice = Map.groupBy(sockets, (socket) => socket.deviceId ?? socket.socketId);
  return [...byDevice.values()].map((group) => ({
    deviceId: group[0]?.deviceId ?? null,
    state: 'SENT',
    socketIds: group.map((socket) => socket.socketId),
  }));
}

/** The call at its ring deadline, or undefined when there is nothing to end yet. */
export function expire(call: Call, now: number): Call | undefined {
  if (call.state !== 'RINGING' || now < call.expiresAt) return undefined;
  return { ...call, rev: call.rev + 1, state: 'ENDED', reason: 'NO_ANSWER' };
}

export function isParty(call: Call, uid: string): boolean {
  return call.caller === uid || call.callee === uid;
}

export function isLive(call: Call): boolean {
  return call.state !== 'ENDED';
}

export function callView({ legs, invites: _, callerDeviceId: __, ...shared }: Call): CallView {
  return { ...shared, legs: legs.length };
}

/** The id under which a call is stored. */
export const callDocumentId = (callId: string): string => `call:${callId}`;

export function putCall(call: Call): Put {
  const live = [call.caller, call.callee].map((uid) => ({ uid, listed: isLive(call) }));
  return { id: callDocumentId(call.id), rev: call.rev, body: JSON.stringify(call), ttlMs: callTtlMs, live };
}

export function readCall(document: Pick<Document, 'body'>): Call {
  return JSON.parse(document.body) as Call;
}
