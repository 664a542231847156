import { isPolite } from './accept.ts';
import { storeRoomGrant } from './access.ts';
import { isBusy, rejectsWhenBusy } from './busy.ts';
import { type Call, longestCallMs, startCall, transition, type Verb } from './call.ts';
import { byService, changeOf, ending, merged } from './call-change.ts';
import { callDocumentId, isConnected, isLive, otherSide, putCall } from './call-document.ts';
import { type CallView, callView } from './call-view.ts';
import { calleeOf } from './callee.ts';
import type { Caller } from './caller.ts';
import { checkId, checkInteger, checkOptionalId, checkText } from './check.ts';
import { commitOnce, type Decision } from './commit.ts';
import { nextLook } from './dead-man.ts';
import { entryFor } from './entry.ts';
import { badInput } from './errors.ts';
import { type IceServer, mintIceServers } from './ice-servers.ts';
import { createId } from './id.ts';
import { type CallDevice, noDevice } from './leg.ts';
import type { SignalingNode } from './node.ts';
import { originOf } from './origin.ts';
import { type Pair, putPair } from './pair.ts';
import { callOf } from './party.ts';
import type { Change, KnownSocket, SocketRecord } from './ports.ts';
import type { Envelope, Origin } from './signal.ts';
import { urgent } from './slices.ts';
import { checkTarget, isReachable, type TargetInput } from './target.ts';
import { userTopic } from './topic.ts';
import { causeOf } from './verb.ts';

export interface DialInput {
  readonly target: TargetInput;
  readonly roomId: string;
  readonly roomType: string;
  readonly deviceId?: string | null | undefined;
  readonly ringTimeoutSeconds?: number | null | undefined;
  readonly payload?: unknown;
  readonly clientMutationId?: string | null | undefined;
}

/** What a dial came to: what a repetition is answered with. */
interface Dialled {
  readonly signalId: string;
  readonly type: string | null;
  readonly clientMutationId: string | null;
  /** The accepted input, with the origin that was written. */
  readonly input: object;
  readonly call: CallView;
  readonly offline: boolean;
  /** A call between the two was alive, and this is it. */
  readonly merged: boolean;
  readonly polite: boolean;
}

export interface DialPayload extends Dialled {
  /** Minted for each answer, also for a repetition's: what is remembered holds no credentials. */
  readonly iceServers: readonly IceServer[];
}

/** Seconds. */
const ringTimeout = { normal: 60, least: 10, most: 120 };

/** What an invited user may do in the room: the level `read`. */
const invitedPrivilege = 3;

/**
 * Calls a user: the call, the room's grant and the ring are committed together. Answers with a call whoever is dialled;
 * for a target that is offline, unknown or not reachable through the hub it has ended already, and nothing else tells
 * these three apart. A call that the two have already is joined instead. Throws BAD_USER_INPUT, PAYLOAD_TOO_LARGE,
 * IDEMPOTENCY_CONFLICT, CONFLICT: nobody was rung then; and UNAVAILABLE: it is not known.
 */
export async function dial(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  input: DialInput,
): Promise<DialPayload> {
  urgent();
  let decided: Dialled | undefined;
  const dialled = await commitOnce(node, caller, { mutation: 'dial', hubId, input }, async () => {
    const decision = await decide(node, caller, hubId, input);
    decided = decision.result;
    return decision;
  });
  // A repetition is told of the call as it was then, which may have ended since.
  const call =
    dialled === decided ? dialled.call : await callOf(node.store, caller, dialled.call.id, 'input');
  return { ...dialled, iceServers: mintIceServers(node, caller, call) };
}

/** A dial whose input was checked. */
interface Dialling {
  readonly node: SignalingNode;
  readonly caller: Caller;
  readonly hubId: string;
  readonly input: DialInput;
  readonly callee: string;
  readonly device: CallDevice;
  readonly origin: Origin;
  /** The open sockets of the called user; none when they are not reachable. */
  readonly sockets: readonly SocketRecord[];
  readonly isReachable: boolean;
}

async function decide(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  input: DialInput,
): Promise<Decision<Dialled>> {
  const callee = uidToDial(caller, input);
  const parts = partsOf(input);
  const device = deviceOf(caller, checkOptionalId(input.deviceId, 'input.deviceId'));
  const origin = originOf(caller.identity, null, null);
  const { record, pair } = await calleeOf(node.store, caller, callee);
  const reachable = isReachable(node, caller, hubId, callee, record);
  const sockets = reachable ? record.sockets : [];
  const dialling = { node, caller, hubId, input, callee, device, origin, sockets, isReachable: reachable };
  const present = pair.call ?? undefined;
  const isPresent = present && isLive(present, node.clock.now());
  if (isPresent && mayJoin(present, caller.identity.uid, record.sockets, node.clock.now()))
    return join(dialling, present);
  const busy = sockets.length > 0 && (await isBusy(node, callee, record, present?.id));
  // Also one whose time is over: an answer that was decided in time, and comes now, must not bring it back beside this.
  const ended = present && transition(present, leaving(caller, present), node.clock.now());
  const fresh = start(dialling, parts, busy, pair);
  const left = ended ? changeOf(ended, ended.late ? byService : { service: 'dial', origin: null }) : {};
  return { ...fresh, change: merged(left, fresh.change ?? {}) };
}

function partsOf(input: DialInput) {
  const seconds = input.ringTimeoutSeconds ?? ringTimeout.normal;
  return {
    roomId: checkId(input.roomId, 'input.roomId'),
    roomType: checkText(input.roomType, 'input.roomType') ?? '',
    ringMs: checkInteger(seconds, 'input.ringTimeoutSeconds', ringTimeout) * 1000,
  };
}

/** The user to ring. The refusal's text is the seed's. */
function uidToDial({ identity }: Caller, input: DialInput): string {
  const { uid } = checkTarget(input.target);
  if (uid === null) throw badInput('input.target.uid', 'Name the user to call.');
  if (uid !== identity.uid && uid !== identity.ident) return uid;
  throw badInput('input.target.uid', 'Self calling is not allowed');
}

/** The device that dials; its socket is only known when it has a single one. */
function deviceOf({ record }: Caller, deviceId: string | null): CallDevice {
  const sockets = record.sockets.filter((socket) => deviceId !== null && socket.deviceId === deviceId);
  const only = sockets.length === 1 ? sockets[0] : undefined;
  return { deviceId, deviceLabel: sockets[0]?.deviceLabel ?? null, socketId: only?.socketId ?? null };
}

/** How long after the answer a dial by a client that knows of no `callId` may have been meant for the ring before it. */
const crossingMs = 10_000;

/** Talking to somebody whose device is gone is over, and a client that knows of no `callId` means to ring. */
function mayJoin(call: Call, uid: string, others: readonly KnownSocket[], now: number): boolean {
  if (call.state === 'RINGING') return true;
  if (call.byWord) return now - (call.acceptedAt ?? now) < crossingMs;
  return isConnected(call, otherSide(call, uid), others);
}

/** What ends the talk that a dial does not join. */
function leaving({ identity }: Caller, { byWord }: Call): Verb {
  const by = { ...noDevice, uid: identity.uid };
  return byWord ? { verb: 'hangUp', by, reason: 'HANGUP' } : { verb: 'connectionLost' };
}

/** Into the call that the two have: whoever dials the one who rings them has answered, and a talk goes on where they dialled. */
function join(dialling: Dialling, call: Call): Decision<Dialled> {
  const { node, caller, device } = dialling;
  // A call moves only to where there is a socket to go on with; who dials back has answered all the same.
  const answers = call.state === 'RINGING' && call.callee === caller.identity.uid;
  const isThere = answers || isDialledFromSocket(caller, device);
  const named = isNamed(dialling) ? device : onlyDevice(caller);
  const by = { ...(isThere ? named : noDevice), uid: caller.identity.uid };
  const met = transition(call, { verb: 'dial', by, byWord: !isNamed(dialling) }, node.clock.now());
  const result = payloadOf(dialling, met?.call ?? call, call.ringId, true);
  return { change: met ? changeOf(met, causeOf(caller, 'dial', by, met)) : null, result };
}

/** Who names no device, and has a single socket, dials from there. */
function onlyDevice({ record }: Caller): CallDevice {
  const [only, ...others] = record.sockets;
  return only && others.length === 0 ? only : noDevice;
}

function start(
  dialling: Dialling,
  parts: ReturnType<typeof partsOf>,
  busy: boolean,
  pair: Pair,
): Decision<Dialled> {
  const { node, caller, hubId, callee, device, sockets } = dialling;
  const ringId = createId('sig');
  const call = startCall(
    {
      ...parts,
      id: createId('call'),
      hubId,
      caller: caller.identity.uid,
      callee,
      callerDevice: device,
      callerWatched: isDialledFromSocket(caller, device),
      callerNamed: isNamed(dialling),
      ringId,
    },
    sockets,
    refusalOf(sockets, busy),
    node.clock.now(),
  );
  const rest = call.state === 'ENDED' ? refused(dialling, call) : ring(dialling, call, busy, pair);
  return {
    change: merged({ expect: [{ id: callDocumentId(call.id), rev: 0 }], put: [putCall(call)] }, rest),
    result: payloadOf(dialling, call, ringId, false),
  };
}

const isNamed = ({ input }: Dialling): boolean => typeof input.deviceId === 'string';

function isDialledFromSocket({ record }: Caller, { deviceId }: CallDevice): boolean {
  return record.sockets.some((socket) => deviceId === null || socket.deviceId === deviceId);
}

function refusalOf(sockets: readonly SocketRecord[], busy: boolean): 'UNREACHABLE' | 'BUSY' | null {
  if (sockets.length === 0) return 'UNREACHABLE';
  return busy && rejectsWhenBusy(sockets) ? 'BUSY' : null;
}

/** What a call that rings commits besides itself: the ring, its deadline, and the room that it opens to who is called. */
function ring({ caller, origin, input }: Dialling, call: Call, waiting: boolean, pair: Pair): Change {
  const envelope: Envelope = {
    kind: 'IncomingCall',
    id: call.ringId,
    service: 'signaling.dial',
    hubId: call.hubId,
    origin,
    call: callView(call),
    name: caller.identity.firstname,
    waiting,
    payload: input.payload ?? null,
  };
  const grant = { privilege: invitedPrivilege, until: call.createdAt + longestCallMs };
  return merged(putPair(call, pair), {
    append: [entryFor(userTopic(call.callee), envelope)],
    timers: [{ id: callDocumentId(call.id), at: nextLook(call) }],
    access: [storeRoomGrant(call, grant)],
  });
}

/** A call that ended at once. Who cannot be reached through the hub learns nothing of it. */
function refused({ origin, isReachable }: Dialling, call: Call): Change {
  const sides = isReachable ? [call.caller, call.callee] : [call.caller];
  return ending(call, { service: 'dial', origin }, sides);
}

function payloadOf(
  { input, origin, caller }: Dialling,
  call: Call,
  signalId: string,
  isMerged: boolean,
): Dialled {
  return {
    signalId,
    type: call.roomType,
    clientMutationId: input.clientMutationId ?? null,
    input: { ...input, origin },
    call: callView(call),
    offline: call.reason === 'UNREACHABLE',
    merged: isMerged,
    polite: isPolite(call, caller.identity.uid),
  };
}
