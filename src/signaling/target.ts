import { isKnownToBelong } from './access.ts';
import { isParty, liveCalls } from './call-document.ts';
import { type Caller, requirePermission } from './caller.ts';
import { checkOptionalId } from './check.ts';
import { badInput } from './errors.ts';
import type { SignalingNode } from './node.ts';
import { streamOwner } from './origin.ts';
import type { UserRecord } from './ports.ts';
import type { Address, Scope, Target } from './signal.ts';
import { hubTopic, type Topic, userTopic } from './topic.ts';

export type TargetInput = { readonly [Field in keyof Target]?: Target[Field] | undefined };

export function checkTarget(input: TargetInput | null | undefined): Target {
  return {
    socketId: checkOptionalId(input?.socketId, 'input.target.socketId'),
    streamId: checkOptionalId(input?.streamId, 'input.target.streamId'),
    hubId: checkOptionalId(input?.hubId, 'input.target.hubId'),
    uid: checkOptionalId(input?.uid, 'input.target.uid'),
  };
}

/** How a target is understood: the narrowest field counts. Throws BAD_USER_INPUT for none, and for another scope. */
export function scopeOf(target: Target, asked: Scope | null | undefined): Scope {
  const scope = narrowest(target);
  if (!scope) throw badInput('input.target', 'Name a socket, a stream, a hub or a user.');
  if (scope === 'HUB' && asked === 'ONLINE_MEMBERS') return asked;
  if (asked && asked !== scope) throw badInput('input.scope', `This target is understood as ${scope}.`);
  return scope;
}

function narrowest(target: Target): Scope | undefined {
  if (target.socketId !== null || target.streamId !== null) return 'SOCKET';
  if (target.hubId !== null) return 'HUB';
  return target.uid === null ? undefined : 'USER';
}

/** Where a message is to be appended. */
export interface Addressee {
  /** Null when nobody can be reached: unknown, not reachable for this caller, or a socket that is closed. */
  readonly topic: Topic | null;
  /** The one socket of the topic that is meant. */
  readonly to?: Address | undefined;
  /** No socket of the target is open. */
  readonly offline: boolean;
}

const nobody: Addressee = { topic: null, offline: true };

/** Finds who is meant. Throws FORBIDDEN for a hub that the caller may not read; everybody else is only found or not. */
export function addresseeOf(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  target: Target,
): Promise<Addressee> | Addressee {
  switch (narrowest(target)) {
    case 'SOCKET':
      return socketAddressee(node, caller, hubId, target);
    case 'HUB':
      requirePermission(caller, target.hubId ?? '', 'READ', 'input.target.hubId');
      return { topic: hubTopic(target.hubId ?? ''), offline: false };
    default:
      return userAddressee(node, caller, hubId, target.uid ?? '');
  }
}

async function socketAddressee(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  target: Target,
): Promise<Addressee> {
  const socketId = target.socketId ?? (await streamOwner(node, target.streamId ?? '')) ?? '';
  const uid = await node.store.ownerOf(socketId);
  // Whoever is asked about, the same commands are sent, so that time does not tell what the answer does not.
  const record = await node.store.user(uid ?? caller.identity.uid);
  const socket = record.sockets.find((candidate) => candidate.socketId === socketId);
  if (uid === undefined || !socket || !isReachable(node, caller, hubId, uid, record)) return nobody;
  return { topic: userTopic(uid), to: { socketId, uid, deviceId: socket.deviceId }, offline: false };
}

async function userAddressee(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  uid: string,
): Promise<Addressee> {
  const record = await node.store.user(uid);
  if (!isReachable(node, caller, hubId, uid, record)) return nobody;
  // Also without an open socket: a device that comes back within the log's window still gets it.
  return { topic: userTopic(uid), offline: record.sockets.length === 0 };
}

/** Whether a caller may signal a user in the context of a hub: the user belongs to it too, or shares a live call. */
export function isReachable(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  uid: string,
  record: UserRecord,
): boolean {
  if (uid === caller.identity.uid) return true;
  return isKnownToBelong(record.access, hubId, node.clock.now()) || shareLiveCall(node, caller, uid);
}

function shareLiveCall(node: SignalingNode, caller: Caller, uid: string): boolean {
  return liveCalls(caller.record.live, node.clock.now()).some((call) => isParty(call, uid));
}
