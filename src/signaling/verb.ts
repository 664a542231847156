import { type Actor, type Call, type Transition, transition, type Verb } from './call.ts';
import { byService, type Cause, changeOf } from './call-change.ts';
import { type CallView, callView } from './call-view.ts';
import { type Caller, ownSocket } from './caller.ts';
import { checkId, checkOptionalId } from './check.ts';
import { decideAndCommit } from './commit.ts';
import { type CallDevice, noDevice } from './leg.ts';
import type { SignalingNode } from './node.ts';
import { originOf } from './origin.ts';
import { callOf } from './party.ts';

/** What became of a verb. */
export interface Said {
  /** The call as it stands now. */
  readonly call: Call;
  /** Who said it. */
  readonly by: Actor;
  /** False when there was nothing to change. */
  readonly changed: boolean;
}

/** A verb of a client's, before it is known what the call is. */
export interface Saying {
  readonly service: Cause['service'] & Verb['verb'];
  readonly callId: string;
  readonly socketId: string | null | undefined;
  verb(by: Actor, call: Call): Verb | Promise<Verb>;
}

/**
 * Says a verb to a call, and commits what it changes. Throws NOT_FOUND, BAD_USER_INPUT (a socket), CONFLICT, UNAVAILABLE.
 */
export async function say(node: SignalingNode, caller: Caller, saying: Saying): Promise<Said> {
  const callId = checkId(saying.callId, 'callId');
  return node.inTurn(callId, () =>
    decideAndCommit(node.store, () => decide(node, caller, { ...saying, callId })),
  );
}

async function decide(node: SignalingNode, caller: Caller, { service, callId, socketId, verb }: Saying) {
  const call = await callOf(node.store, caller, callId, 'callId');
  const by = actorOf(caller, call, checkOptionalId(socketId, 'socketId'));
  const done = transition(call, await verb(by, call), node.clock.now());
  const result: Said = { call: done?.call ?? call, by, changed: done !== undefined && !done.late };
  return { change: done ? changeOf(done, causeOf(caller, service, by, done)) : null, result };
}

/** Only who has the call shows where they are. */
export function causeOf(
  { identity }: Caller,
  service: Cause['service'],
  by: Actor,
  { change, late }: Transition,
): Cause {
  if (late) return byService;
  const socketId = change === 'ACCEPTED' || change === 'MOVED' ? by.socketId : null;
  return { service, origin: originOf(identity, socketId, null) };
}

/**
 * The caller's device behind a socket of theirs: one that is open, or one that the call knows, for whoever lost their
 * connection may still speak. Throws BAD_USER_INPUT for another.
 */
export function actorOf(caller: Caller, call: Call, socketId: string | null): Actor {
  const { uid } = caller.identity;
  if (socketId === null) return { uid, deviceId: null, deviceLabel: null, socketId };
  // Nothing depends on which device of the caller's it is.
  const known = knownDevice(call, uid, socketId) ?? (uid === call.caller ? noDevice : undefined);
  const open = caller.record.sockets.find((socket) => socket.socketId === socketId);
  const { deviceId, deviceLabel } = open ?? known ?? ownSocket(caller, socketId, 'socketId');
  return { uid, deviceId, deviceLabel, socketId };
}

/** The device of a user that a call knows by a socket, which need not be open any more. */
export function knownDevice(
  { callee, callerDevice, legs, winner }: Call,
  uid: string,
  socketId: string,
): Pick<CallDevice, 'deviceId' | 'deviceLabel'> | undefined {
  if (uid !== callee) return callerDevice.socketId === socketId ? callerDevice : undefined;
  if (winner?.socketId === socketId) return winner;
  return legs.find((leg) => leg.socketIds.includes(socketId));
}

/** What a client is told of what became of its verb. */
export interface CallPayload {
  readonly call: CallView;
  readonly changed: boolean;
}

export function payloadOf({ call, changed }: Said): CallPayload {
  return { call: callView(call), changed };
}
