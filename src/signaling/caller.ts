import { privilegeOf } from './access.ts';
import type { Call } from './call.ts';
import type { Callee } from './callee.ts';
import type { Clock } from './clock.ts';
import { SignalingError } from './errors.ts';
import { holds, type Permission } from './permission.ts';
import type { SocketRecord, Store, UserRecord } from './ports.ts';

/** Who a token says somebody is. */
export interface Identity {
  readonly uid: string;
  /** Login name. */
  readonly ident: string | null;
  readonly firstname: string | null;
  readonly lastname: string | null;
  readonly fullname: string | null;
  readonly email: string | null;
  /** Privilege words by hub. */
  readonly hubs: ReadonlyMap<string, number>;
  /** What they want when somebody rings during a call: to be told, or not to be rung. */
  readonly busy: 'waiting' | 'reject';
  /** A server of the application, not a person. */
  readonly admin: boolean;
  /** Milliseconds; 0 when the token does not say. */
  readonly issuedAt: number;
  /** Milliseconds. */
  readonly expiresAt: number;
}

/** Somebody who asks for something: who they are, and what is known about them now. */
export interface Caller {
  readonly identity: Identity;
  readonly record: UserRecord;
  /** Calls that their guard has read, for whoever decides on them next: see party.ts. */
  readonly guarded: Map<string, Call>;
  /** Whom they dial, as it was read ahead: see callee.ts. */
  callee: Callee | undefined;
  privilege(hubId: string): number;
}

export async function loadCaller(store: Store, clock: Clock, identity: Identity): Promise<Caller> {
  const record = await store.user(identity.uid);
  return {
    identity,
    record,
    guarded: new Map(),
    callee: undefined,
    privilege: (hubId) => privilegeOf(identity, record.access, hubId, clock.now()),
  };
}

/** Throws FORBIDDEN unless the caller holds the permission; an unknown hub looks like one without permission. */
export function requirePermission(
  caller: Caller,
  hubId: string,
  permission: Permission,
  field: string,
): void {
  if (holds(caller.privilege(hubId), permission)) return;
  throw new SignalingError('FORBIDDEN', `You need ${permission} on this hub.`, { field });
}

/** The ids of the caller's open sockets. */
export function openSockets({ record }: Caller): ReadonlySet<string> {
  return connectedIds(record.sockets);
}

/**
 * The same, read again. Whether the socket that has a call is gone can only be asked after it was read which one that is:
 * a socket that opened and answered since the request came is not gone.
 */
export async function openSocketsNow(store: Store, { identity }: Caller): Promise<ReadonlySet<string>> {
  const { sockets } = await store.user(identity.uid);
  return connectedIds(sockets);
}

function connectedIds(sockets: UserRecord['sockets']): ReadonlySet<string> {
  return new Set(sockets.flatMap(({ socketId, connected }) => (connected ? socketId : [])));
}

/** The caller's own open socket of this id. Throws BAD_USER_INPUT when there is none, whoever else's it may be. */
export function ownSocket(caller: Caller, socketId: string, field: string): SocketRecord {
  const socket = caller.record.sockets.find((candidate) => candidate.socketId === socketId);
  if (socket) return socket;
  throw new SignalingError('BAD_USER_INPUT', 'This is not an open socket of yours.', { field });
}
