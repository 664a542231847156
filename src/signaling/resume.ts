import { createHash, randomBytes } from 'node:crypto';
import type { Identity } from './caller.ts';
import { checkOptionalId, checkText } from './check.ts';
import { createId } from './id.ts';
import type { KnownSocket, SocketRecord, Store } from './ports.ts';
import type { Socket } from './socket.ts';

/*
 * A socket outlives its connection: whoever brings its resume token within the grace takes it up, on any node. The token
 * is a secret, unlike the socket's id; each `SocketReady` brings a new one, and the one before stays good until that is used.
 */

/** A socket that was named before it is opened. */
export interface ReservedSocket {
  readonly socketId: string;
  /** Takes it up, however often. */
  readonly resumeToken: string;
}

/** Which socket a connection wishes to be: a new one, or one that was there before. */
export interface SocketWish {
  /** It, as a new one. */
  readonly record: SocketRecord;
  /** Where to look for the one before, and what opens it. `isReserved`: whoever names it has it, by a ticket. */
  readonly former:
    | { readonly socketId: string; readonly key: string; readonly isReserved: boolean }
    | undefined;
}

/** What becomes of a wish. */
export interface TakenUp {
  readonly record: SocketRecord;
  /** See `Opening.replaces`. */
  readonly replaces: number;
  /** Given to the client. */
  readonly resumeToken: string;
  /** The socket as it was before, when it was taken up. */
  readonly former: KnownSocket | undefined;
}

interface WishInput {
  readonly deviceId?: string | null | undefined;
  readonly deviceLabel?: string | null | undefined;
  readonly resumeToken?: string | null | undefined;
  readonly reserved?: ReservedSocket | undefined;
}

/** Throws BAD_USER_INPUT for a device that cannot be one. A token that opens nothing opens a new socket. */
export function checkSocketWish(input: WishInput, identity: Identity, now: number): SocketWish {
  const { reserved } = input;
  const former = reserved
    ? { socketId: reserved.socketId, key: digest(reserved.resumeToken), isReserved: true }
    : formerOf(input.resumeToken ?? '');
  return {
    former,
    record: {
      socketId: reserved?.socketId ?? createId('sock'),
      deviceId: checkOptionalId(input.deviceId, 'deviceId'),
      deviceLabel: checkText(input.deviceLabel, 'deviceLabel'),
      openedAt: now,
      ...(identity.busy === 'reject' && { rejectsWhenBusy: true as const }),
      generation: 1,
      keys: reserved && former ? [former.key] : [],
    },
  };
}

function formerOf(resumeToken: string): SocketWish['former'] {
  const end = resumeToken.indexOf('.');
  if (end <= 0 || end >= 128) return undefined;
  return { socketId: resumeToken.slice(0, end), key: digest(resumeToken), isReserved: false };
}

/** The record under which to register: that of the former socket, if the wish's key opens it. */
export async function takeUp(store: Store, socket: Socket, wish: SocketWish | undefined): Promise<TakenUp> {
  if (!wish) return renewed(socket.record, socket.record.keys[0], socket.record.generation);
  const { record, former } = wish;
  const known = former && (await store.socket(socket.uid, former.socketId));
  // Another device is another socket.
  const isSame = record.deviceId === null || record.deviceId === known?.deviceId;
  const isOpened = former && known && (former.isReserved || known.keys.includes(former.key));
  if (!isOpened || !isSame) return renewed(record, record.keys[0], 0);
  const { connected: _, ...before } = known;
  const next = {
    ...before,
    deviceLabel: record.deviceLabel ?? before.deviceLabel,
    generation: before.generation + 1,
  };
  return { ...renewed(next, former.key, before.generation), former: known };
}

function renewed(record: SocketRecord, key: string | undefined, replaces: number): TakenUp {
  const resumeToken = `${record.socketId}.${randomBytes(24).toString('base64url')}`;
  const keys = [digest(resumeToken), ...(key === undefined ? [] : [key])];
  return { record: { ...record, keys }, replaces, resumeToken, former: undefined };
}

function digest(resumeToken: string): string {
  return createHash('sha256').update(resumeToken).digest('base64url');
}
