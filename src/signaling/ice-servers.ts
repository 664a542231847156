import { createHmac } from 'node:crypto';
import type { Call } from './call.ts';
import { isLive } from './call-document.ts';
import type { Caller } from './caller.ts';
import type { SignalingNode } from './node.ts';
import { callOf } from './party.ts';

/** Which STUN and TURN servers clients are told of. */
export interface IceSettings {
  readonly stunUrls: readonly string[];
  readonly turnUrls: readonly string[];
  /** What the TURN servers know as their `static-auth-secret`. The first mints; the others are on their way in or out. */
  readonly turnSecrets: readonly string[];
  readonly ttlSeconds: number;
}

export const defaultIce: IceSettings = {
  stunUrls: [],
  turnUrls: [],
  turnSecrets: [],
  // A live relay outlasts its credentials, and a new one needs good ones. So a talk of hours may change networks also
  // where its client never asks again, and what leaks is worth little the next day.
  ttlSeconds: 4 * 60 * 60,
};

/** One entry of an `RTCConfiguration`'s `iceServers`. Times are milliseconds. STUN needs no credentials. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string | null;
  readonly credential: string | null;
  readonly refreshAfter: number | null;
  readonly expiresAt: number | null;
}

/** The servers for a call of the caller's; none once it has ended. Throws NOT_FOUND for a call of others. */
export async function iceServers(
  node: SignalingNode,
  caller: Caller,
  callId: string,
): Promise<readonly IceServer[]> {
  return mintIceServers(node, caller, await callOf(node.store, caller, callId, 'callId'));
}

/** The same for a call at hand. What comes of it is for this answer alone: it is neither stored nor logged nor sent to others. */
export function mintIceServers(
  { ice, clock }: Pick<SignalingNode, 'ice' | 'clock'>,
  { identity }: Pick<Caller, 'identity'>,
  call: Pick<Call, 'state' | 'expiresAt'>,
): readonly IceServer[] {
  const now = clock.now();
  if (!isLive(call, now)) return [];
  const stun: IceServer[] = ice.stunUrls.length > 0 ? [{ urls: ice.stunUrls, ...withoutCredentials }] : [];
  const [secret] = ice.turnSecrets;
  if (ice.turnUrls.length === 0 || secret === undefined) return stun;
  return [...stun, { urls: ice.turnUrls, ...credentials(identity.uid, secret, ice.ttlSeconds, now) }];
}

const withoutCredentials = { username: null, credential: null, refreshAfter: null, expiresAt: null };

/**
 * The scheme of coturn's `use-auth-secret` (draft-uberti-behave-turn-rest-00, section 2.2). With the uid behind the
 * colon, the server's `user-quota` counts per user, whatever the number of calls.
 */
function credentials(uid: string, secret: string, ttlSeconds: number, now: number) {
  const expiry = Math.floor(now / 1000) + ttlSeconds;
  const username = `${expiry}:${uid}`;
  return {
    username,
    credential: createHmac('sha1', secret).update(username).digest('base64'),
    // Half of the time is left then to ask again.
    refreshAfter: (expiry - ttlSeconds / 2) * 1000,
    expiresAt: expiry * 1000,
  };
}
