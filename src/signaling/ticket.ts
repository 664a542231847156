import { createHash, randomBytes } from 'node:crypto';
import type { Identity } from './caller.ts';
import { checkOptionalId } from './check.ts';
import { SignalingError } from './errors.ts';
import { createId } from './id.ts';
import type { SignalingNode } from './node.ts';
import type { ReservedSocket } from './resume.ts';

/*
 * A ticket stands for a token where none can be sent: with a browser's `EventSource`. It names one socket from the start, so
 * whoever brings it, and however often, opens that socket and no other; the newest connection has it.
 */

/** How long a ticket is good for a socket that is not open, in milliseconds. */
const openMs = 30_000;

/** What is kept of a ticket, under its digest. */
interface Stored {
  readonly identity: Omit<Identity, 'hubs'> & { readonly hubs: readonly [string, number][] };
  readonly deviceId: string | null;
  readonly socket: ReservedSocket;
  /** Milliseconds. */
  readonly until: number;
}

/** What a ticket stands for. */
export interface Redeemed {
  readonly identity: Identity;
  readonly deviceId: string | null;
  readonly socket: ReservedSocket;
}

/** Makes a ticket for a socket of the caller, with what their token allows and until that ends. */
export async function createStreamTicket(
  node: SignalingNode,
  identity: Identity,
  request: { deviceId?: string | null | undefined },
) {
  const deviceId = checkOptionalId(request.deviceId, 'deviceId');
  const ticket = secret();
  const now = node.clock.now();
  const until = Math.min(now + openMs, identity.expiresAt);
  const stored: Stored = {
    identity: { ...identity, admin: false, hubs: [...identity.hubs] },
    deviceId,
    socket: { socketId: createId('sock'), resumeToken: secret() },
    until,
  };
  const ttlMs = Math.max(1, identity.expiresAt - now);
  const put = [{ id: documentId(ticket), rev: 1, body: JSON.stringify(stored), ttlMs, live: [] }];
  await node.store.commit({ put });
  return { ticket, expiresAt: until };
}

/** Throws UNAUTHENTICATED for what is no ticket, and when it is too late: its socket was not opened in time, or is gone. */
export async function redeemTicket(node: SignalingNode, ticket: string): Promise<Redeemed> {
  const document = await node.store.document(documentId(ticket));
  const stored = document && (JSON.parse(document.body) as Stored);
  const now = node.clock.now();
  const isGood =
    stored && stored.identity.expiresAt > now && (stored.until > now || (await isOpen(node, stored)));
  if (!isGood) throw new SignalingError('UNAUTHENTICATED', 'This ticket is not, or no longer, good.');
  const { identity, deviceId, socket } = stored;
  return { identity: { ...identity, hubs: new Map(identity.hubs) }, deviceId, socket };
}

async function isOpen(node: SignalingNode, { identity, socket }: Stored): Promise<boolean> {
  return (await node.store.ownerOf(socket.socketId)) === identity.uid;
}

/** The ticket itself is stored nowhere. */
function documentId(ticket: string): string {
  return `ticket:${createHash('sha256').update(ticket).digest('base64url')}`;
}

const secret = (): string => randomBytes(32).toString('base64url');
