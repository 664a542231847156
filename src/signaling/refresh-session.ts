import { claimedHubs, hubsOf, rememberClaims } from './access.ts';
import type { Identity } from './caller.ts';
import { checkOptionalId } from './check.ts';
import { entryForUser } from './entry.ts';
import { badInput, SignalingError } from './errors.ts';
import type { SignalingNode } from './node.ts';
import { holds } from './permission.ts';
import type { Content } from './signal.ts';

/**
 * Lets a user's open sockets, or those of one device, go on under another token of theirs, on every node: until its end, and
 * with its hubs. Throws FORBIDDEN for a token of somebody else, and BAD_USER_INPUT for one that ends earlier.
 */
export async function refreshSession(
  node: SignalingNode,
  present: Identity,
  next: Identity,
  request: { deviceId?: string | null | undefined },
) {
  const deviceId = checkOptionalId(request.deviceId, 'deviceId');
  const { uid, expiresAt } = next;
  if (uid !== present.uid)
    throw new SignalingError('FORBIDDEN', 'This token is of another user.', { field: 'token' });
  if (expiresAt < present.expiresAt) throw badInput('token', 'This token ends before the one that you have.');
  const now = node.clock.now();
  const { access } = await node.store.user(uid);
  const readable = (identity: Identity) =>
    [...hubsOf(identity, access, now)].filter(([, { privilege }]) => holds(privilege, 'READ'));
  const hubs = readable(next).map(([hubId, { until }]) => ({ hubId, until }));
  // Who asks with the new token itself does not tell what their sockets have.
  const known = isSame(present, next) ? new Set() : new Set(readable(present).map(([hubId]) => hubId));
  const refreshed: Content = {
    kind: 'SessionRefreshed',
    deviceId,
    expiresAt,
    hubs,
    claimed: [...claimedHubs(next, access)],
    claims: [...next.hubs],
    issuedAt: next.issuedAt,
  };
  // Sockets join one hub after the other, as they do when it is granted.
  const joined = hubs
    .filter(({ hubId }) => !known.has(hubId))
    .map(
      ({ hubId }): Content => ({
        kind: 'HubGranted',
        grantedHubId: hubId,
        until: expiresAt,
        ifMissing: true,
      }),
    );
  await node.store.commit({
    access: rememberClaims(next, access, now),
    append: [refreshed, ...joined].map((content) => entryForUser(uid, content)),
  });
  return { uid, expiresAt };
}

function isSame(a: Identity, b: Identity): boolean {
  return a.issuedAt === b.issuedAt && a.expiresAt === b.expiresAt;
}
