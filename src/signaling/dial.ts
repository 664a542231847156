import { storeRoomGrant } from './access.ts';
import type { CallView } from './call.ts';
import { type Call, callDocumentId, callTtlMs, callView, isLive, putCall, startCall } from './call.ts';
import type { Caller } from './caller.ts';
import { checkId, checkInteger, checkOptionalId, checkText } from './check.ts';
import { commitOnce, type Decision } from './commit.ts';
import { entryFor } from './entry.ts';
import { badInput } from './errors.ts';
import { createId } from './id.ts';
import type { SignalingNode } from './node.ts';
import { originOf } from './origin.ts';
import type { Change } from './ports.ts';
import type { Envelope } from './signal.ts';
import { checkTarget, isReachable, type TargetInput } from './target.ts';
import { userTopic } from './topic.ts';

export interface DialInput {
  readonly target: TargetInput;
  readonly roomId: string;
  readonly roomType: string;
  readonly deviceId?: string | null | undefined;
  readonly ringTimeoutSeconds?: number | null | undefined;
  readonly payload?: unknown;
  readonly clientMutationId?: string | null | undefined;
}

export interface DialPayload {
  readonly signalId: string;
  readonly type: string | null;
  readonly clientMutationId: string | null;
  /** The accepted input, with the origin that was written. */
  readonly input: object;
  readonly call: CallView;
  readonly offline: boolean;
}

/** Seconds. */
const ringTimeout = { normal: 60, least: 10, most: 120 };

/** What an invited user may do in the room: the level `read`. */
const invitedPrivilege = 3;

/**
 * Calls a user: the call, its room invites and the ring are committed together. Answers with a call whoever is dialled;
 * for a target that is offline, unknown or not reachable through the hub it has ended already, and nothing else tells
 * these three apart. Throws BAD_USER_INPUT, PAYLOAD_TOO_LARGE, IDEMPOTENCY_CONFLICT: nobody was rung then; and UNAVAILABLE:
 * it is not known.
 */
export function dial(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  input: DialInput,
): Promise<DialPayload> {
  return commitOnce(node, caller, { mutation: 'dial', hubId, input }, () =>
    decide(node, caller, hubId, input),
  );
}

async function decide(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  input: DialInput,
): Promise<Decision<DialPayload>> {
  const callee = calleeOf(caller, input);
  const payload = input.payload ?? null;
  const parts = {
    id: createId('call'),
    hubId,
    roomId: checkId(input.roomId, 'input.roomId'),
    roomType: checkText(input.roomType, 'input.roomType') ?? '',
    caller: caller.identity.uid,
    callerDeviceId: checkOptionalId(input.deviceId, 'input.deviceId'),
    callee,
    ringMs:
      checkInteger(input.ringTimeoutSeconds ?? ringTimeout.normal, 'input.ringTimeoutSeconds', ringTimeout) *
      1000,
  };
  const record = await node.store.user(callee);
  const sockets = isReachable(node, caller, hubId, callee, record) ? record.sockets : [];
  const call = startCall(parts, sockets, node.clock.now());
  const origin = originOf(caller.identity, null, null);
  const envelope: Envelope = {
    kind: 'IncomingCall',
    id: createId('sig'),
    service: 'signaling.dial',
    hubId,
    origin,
    call: callView(call),
    name: caller.identity.firstname,
    payload,
  };
  const result = {
    signalId: envelope.id,
    type: call.roomType,
    clientMutationId: input.clientMutationId ?? null,
    input: { ...input, origin },
    call: callView(call),
    offline: !isLive(call),
  };
  return { change: { ...storedCall(call), ...(isLive(call) && ring(call, envelope)) }, result };
}

/** The user to ring. The refusal's text is the seed's. */
function calleeOf({ identity }: Caller, input: DialInput): string {
  const { uid } = checkTarget(input.target);
  if (uid === null) throw badInput('input.target.uid', 'Name the user to call.');
  if (uid !== identity.uid && uid !== identity.ident) return uid;
  throw badInput('input.target.uid', 'Self calling is not allowed');
}

function storedCall(call: Call): Change {
  return { expect: [{ id: callDocumentId(call.id), rev: 0 }], put: [putCall(call)] };
}

/** What a call that rings commits besides itself: the ring, its deadline, and the room that its invites open. */
function ring(call: Call, envelope: Envelope): Change {
  const grant = { privilege: invitedPrivilege, until: call.createdAt + callTtlMs };
  return {
    append: [entryFor(userTopic(call.callee), envelope)],
    timers: [{ id: callDocumentId(call.id), at: call.expiresAt }],
    access: [storeRoomGrant(call, grant)],
  };
}
