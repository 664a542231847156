import type { Identity } from './caller.ts';
import { holds } from './permission.ts';
import type { AccessChange, AccessField } from './ports.ts';

/*
 * What is known about a user's access, one field each: grants of hubs, grants of rooms, claims that were seen on the
 * sockets they opened, and the moments until which claims are void.
 */

type Access = ReadonlyMap<string, AccessField>;

/** A privilege, and until when it holds (milliseconds; null: until revoked). */
export interface Grant {
  readonly privilege: number;
  readonly until: number | null;
}

/** A grant that was renewed without a gap in reading keeps the number it began with. */
type StoredGrant = Grant & { readonly begun: number | null };

type SeenClaim = Grant & { readonly until: number; readonly issuedAt: number };

/** A hub that somebody belongs to, and the sequence's number since when (0: as long as their token). */
export type Membership = Grant & { readonly since: number };

export function storeGrant(
  uid: string,
  hubId: string,
  grant: Grant,
  access: Access,
  now: number,
): AccessChange {
  const former = grantIn(access, `grant:${hubId}`, now);
  const begun = former && holds(former.privilege, 'READ') ? former.since : null;
  const stored: StoredGrant = { ...grant, begun };
  return { uid, field: `grant:${hubId}`, value: JSON.stringify(stored) };
}

/** Removes the stored grant, and makes the hub's claim void in every token issued until `now`. */
export function revoke(uid: string, hubId: string, now: number): AccessChange[] {
  return [
    { uid, field: `grant:${hubId}`, value: null },
    { uid, field: `claim:${hubId}`, value: null },
    { uid, field: `void:${hubId}`, value: String(now) },
  ];
}

/** A room has a grant for each call that invites into it: one ends with its call (null), and leaves the others. */
export function storeRoomGrant(
  call: { readonly id: string; readonly callee: string; readonly roomId: string },
  grant: Grant | null,
): AccessChange {
  // No id contains a slash, so no two rooms share a field.
  return {
    uid: call.callee,
    field: `room:${call.roomId}/${call.id}`,
    value: grant && JSON.stringify(grant),
  };
}

/** What the calls that have not ended grant on a room, by the one whose grant lasts longest. */
export function roomGrant(access: Access, roomId: string, now: number): Grant {
  const fields = [...access.keys()].filter((field) => field.startsWith(`room:${roomId}/`));
  const grants = fields.flatMap((field) => grantIn(access, field, now) ?? []);
  const [longest] = grants.sort((a, b) => (b.until ?? 0) - (a.until ?? 0));
  return longest ?? { privilege: 0, until: null };
}

/**
 * Remembers what a token claims, so that its owner is known to belong to its hubs until it ends. Their other devices may
 * have brought tokens that allow reading for longer: those claims stay.
 */
export function rememberClaims(identity: Identity, access: Access, now: number): AccessChange[] {
  return [...identity.hubs].flatMap(([hubId, privilege]) => {
    const claim: SeenClaim = { privilege, until: identity.expiresAt, issuedAt: identity.issuedAt };
    const known = readingClaim(access, hubId, now);
    const isLess = known && (known.until >= claim.until || !holds(privilege, 'READ'));
    if (isLess || isVoid(access, hubId, claim.issuedAt)) return [];
    return { uid: identity.uid, field: `claim:${hubId}`, value: JSON.stringify(claim) };
  });
}

/** The hubs that a token itself allows to read. */
export function claimedHubs(identity: Identity, access: Access): Set<string> {
  const hubIds = [...identity.hubs.keys()];
  return new Set(
    hubIds.filter(
      (hubId) => holds(identity.hubs.get(hubId) ?? 0, 'READ') && !isVoid(access, hubId, identity.issuedAt),
    ),
  );
}

/** Removes what no longer says anything: grants and claims that have ended. */
export function forgetEnded(uid: string, access: Access, now: number): AccessChange[] {
  const ended: AccessChange[] = [];
  for (const [field, value] of access) {
    const until = field.startsWith('void:') ? null : (JSON.parse(value.value) as Grant).until;
    if (until !== null && until <= now) ended.push({ uid, field, value: null, ifSince: value.since });
  }
  return ended;
}

/** The caller's word on a hub: the token's or the stored grant's, whichever is more. */
export function privilegeOf(identity: Identity, access: Access, hubId: string, now: number): number {
  const claimed = identity.hubs.get(hubId) ?? 0;
  const granted = grantIn(access, `grant:${hubId}`, now)?.privilege ?? 0;
  return Math.max(isVoid(access, hubId, identity.issuedAt) ? 0 : claimed, granted);
}

/** Whether a user who need not be here is known to belong to a hub: by a stored grant, or by a claim that was seen. */
export function isKnownToBelong(access: Access, hubId: string, now: number): boolean {
  const granted = grantIn(access, `grant:${hubId}`, now);
  if (granted && holds(granted.privilege, 'READ')) return true;
  return readingClaim(access, hubId, now) !== undefined;
}

/** The hubs that a user is known to belong to, or to have belonged to until a grant or a token ended. */
export function knownHubs(access: Access): Set<string> {
  const fields = [...access].flatMap(([field, { value }]) => {
    const hubId = /^(?:grant|claim):(.*)$/s.exec(field)?.[1];
    return hubId !== undefined && holds((JSON.parse(value) as Grant).privilege, 'READ') ? hubId : [];
  });
  return new Set(fields);
}

/** The hubs that the owner of a token has any privilege on. */
export function hubsOf(identity: Identity, access: Access, now: number): Map<string, Membership> {
  const hubs = new Map<string, Membership>();
  for (const [hubId, privilege] of identity.hubs) {
    if (isVoid(access, hubId, identity.issuedAt)) continue;
    // Who was revoked and let in again by a new token gets nothing of the time between.
    const since = access.has(`void:${hubId}`) ? identity.issuedAt * 1000 : 0;
    hubs.set(hubId, { privilege, until: null, since });
  }
  for (const field of access.keys()) {
    const granted = field.startsWith('grant:') ? grantIn(access, field, now) : undefined;
    if (granted) addGrant(hubs, field.slice('grant:'.length), granted);
  }
  return hubs;
}

/** A claim that allows reading outlasts any grant; otherwise the grant decides since when and until when. */
function addGrant(hubs: Map<string, Membership>, hubId: string, granted: Membership): void {
  const claimed = hubs.get(hubId);
  const privilege = Math.max(claimed?.privilege ?? 0, granted.privilege);
  const lasting = claimed && holds(claimed.privilege, 'READ') ? claimed : granted;
  hubs.set(hubId, { ...lasting, privilege });
}

function grantIn(access: Access, field: string, now: number): Membership | undefined {
  const stored = access.get(field);
  if (!stored) return undefined;
  const { begun, ...grant } = JSON.parse(stored.value) as StoredGrant;
  return grant.until === null || grant.until > now ? { ...grant, since: begun ?? stored.since } : undefined;
}

/** The claim that was seen, if it holds and allows reading. */
function readingClaim(access: Access, hubId: string, now: number): SeenClaim | undefined {
  const stored = access.get(`claim:${hubId}`);
  const claim = stored && (JSON.parse(stored.value) as SeenClaim);
  const isGood = claim && claim.until > now && holds(claim.privilege, 'READ');
  return isGood && !isVoid(access, hubId, claim.issuedAt) ? claim : undefined;
}

function isVoid(access: Access, hubId: string, issuedAt: number): boolean {
  return issuedAt <= Number(access.get(`void:${hubId}`)?.value ?? -1);
}
