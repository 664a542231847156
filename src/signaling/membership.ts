import { revoke, roomGrant, storeGrant } from './access.ts';
import { checkId, checkOptionalId } from './check.ts';
import { entryForUser } from './entry.ts';
import { badInput } from './errors.ts';
import type { SignalingNode } from './node.ts';
import { holds, type Permission, privilegeUpTo } from './permission.ts';
import type { Content } from './signal.ts';
import { socketsClosed } from './tidy-up.ts';

/** Stores a privilege on a hub, and lets the user's open sockets listen to the hub from the grant's place in the log. */
export async function grantHub(
  node: SignalingNode,
  request: { hubId: string; uid: string; privilege: Permission; expiresAt?: Date | null | undefined },
) {
  const hubId = checkId(request.hubId, 'hubId');
  const uid = checkId(request.uid, 'uid');
  const until = request.expiresAt?.getTime() ?? null;
  const now = node.clock.now();
  if (until !== null && until <= now) throw badInput('expiresAt', 'A grant ends in the future.');
  const privilege = privilegeUpTo(request.privilege);
  const { access } = await node.store.user(uid);
  const content: Content = holds(privilege, 'READ')
    ? { kind: 'HubGranted', grantedHubId: hubId, until }
    : { kind: 'HubRevoked', revokedHubId: hubId, claims: false };
  await node.store.commit({
    access: [storeGrant(uid, hubId, { privilege, until }, access, now)],
    append: [entryForUser(uid, content)],
  });
  return { hubId, uid, privilege, expiresAt: until };
}

/** Removes the stored grant, makes older claims void, and takes the user's open sockets off the hub. */
export async function revokeHub(node: SignalingNode, request: { hubId: string; uid: string }) {
  const hubId = checkId(request.hubId, 'hubId');
  const uid = checkId(request.uid, 'uid');
  const voidUntil = node.clock.now();
  await node.store.commit({
    access: revoke(uid, hubId, voidUntil),
    append: [entryForUser(uid, { kind: 'HubRevoked', revokedHubId: hubId, claims: true })],
  });
  return { hubId, uid, voidUntil };
}

/** Closes a user's open sockets on every node, or those of one device. */
export async function disconnectUser(
  node: SignalingNode,
  request: { uid: string; deviceId?: string | null | undefined },
) {
  const uid = checkId(request.uid, 'uid');
  const device = checkOptionalId(request.deviceId, 'deviceId');
  const { sockets } = await node.store.user(uid);
  const meant = sockets.filter(({ deviceId }) => device === null || deviceId === device);
  const socketIds = meant.map(({ socketId }) => socketId);
  if (socketIds.length > 0)
    await node.store.commit({ append: [socketsClosed(uid, socketIds, 'DISCONNECTED')] });
  return { uid, sockets: socketIds.length };
}

/** What a user may do in a room, by the calls that invited them. */
export async function roomAccess(node: SignalingNode, request: { roomId: string; uid: string }) {
  const roomId = checkId(request.roomId, 'roomId');
  const uid = checkId(request.uid, 'uid');
  const { access } = await node.store.user(uid);
  const { privilege, until } = roomGrant(access, roomId, node.clock.now());
  return { roomId, uid, privilege, expiresAt: until };
}
