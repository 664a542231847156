import { hubsOf, type Membership, rememberClaims } from './access.ts';
import type { Cursor } from './cursor.ts';
import { SignalingError } from './errors.ts';
import type { SignalingNode } from './node.ts';
import { holds } from './permission.ts';
import type { Opened, Opening } from './ports.ts';
import type { RecoveryFailure } from './recovery.ts';
import { type SocketWish, type TakenUp, takeUp } from './resume.ts';
import type { Socket } from './socket.ts';
import { hubTopic, presenceOf, presenceTopic, type Topic, userTopic } from './topic.ts';

/** The most that a replay may hold. */
const replayLimit = { entries: 1000, bytes: 1024 * 1024 };

/** How a socket begins. */
export interface Beginning {
  readonly cursor: Cursor | undefined;
  /** Which socket it is to be; undefined for one that is open. */
  readonly wish: SocketWish | undefined;
  /** Why its past cannot be had, when that is known before. */
  readonly reason: RecoveryFailure | null;
}

export interface Registration extends TakenUp {
  readonly opened: Opened;
  readonly hubs: ReadonlyMap<string, Membership>;
}

/**
 * Subscribes, then registers and reads in one step; once more when a hub was granted or revoked in between, when another
 * connection took the socket up, or when the subscriptions were lost.
 */
export async function register(
  node: SignalingNode,
  socket: Socket,
  { cursor, wish }: Beginning,
): Promise<Registration> {
  const { exchange, store } = node;
  await exchange.join(socket, new Map([[userTopic(socket.uid), 0]]));
  requireOpen(socket);
  let access = await store.access(socket.uid);
  let registered: TakenUp | undefined;
  for (;;) {
    const { losses } = exchange;
    // Once more is the same connection again: it replaces itself.
    const takenUp: TakenUp = registered ?? (await takeUp(store, socket, wish));
    socket.record = takenUp.record;
    const hubs = readableHubs(node, socket, access);
    const topics = topicsOf(socket, hubs);
    for (const topic of [...socket.topics.keys()]) if (!topics.has(topic)) exchange.part(socket, topic);
    await exchange.join(socket, topics);
    requireOpen(socket);
    const opened = await store.open(openingOf(node, socket, takenUp, access, cursor));
    requireOpen(socket);
    if (!opened) {
      requireMine(wish);
      registered = undefined;
      continue;
    }
    registered = { ...takenUp, replaces: takenUp.record.generation };
    access = opened.user.access;
    const present = readableHubs(node, socket, access);
    if (sameHubs(hubs, present) && losses === exchange.losses) return { ...takenUp, opened, hubs: present };
  }
}

/** Throws UNAVAILABLE when it was closed meanwhile. */
export function requireOpen(socket: Socket): void {
  if (!socket.sink.gone && !socket.closed) return;
  throw new SignalingError('UNAVAILABLE', 'The socket was closed while it opened.', { retryAfterMs: 0 });
}

/** An open socket that another connection took up meanwhile: `reclaim` finds it. */
function requireMine(wish: SocketWish | undefined): void {
  if (wish) return;
  throw new SignalingError('UNAVAILABLE', 'The socket was taken up by another connection.');
}

function openingOf(
  node: SignalingNode,
  socket: Socket,
  { record, replaces }: TakenUp,
  access: Opened['user']['access'],
  cursor: Cursor | undefined,
): Opening {
  const topics = [...socket.topics].filter(([topic]) => presenceOf(topic) === undefined);
  return {
    uid: socket.uid,
    socket: record,
    replaces,
    access: rememberClaims(socket.identity, access, node.clock.now()),
    counts: node.exchange.counts(socket.topics.keys()),
    reading: {
      topics: topics.map(([topic, since]) => ({ topic, after: Math.max(since, cursor?.number ?? 0) })),
      epoch: cursor?.epoch ?? null,
      limit: replayLimit,
    },
  };
}

/** The hubs whose signals the socket is to receive. Throws FORBIDDEN for one it asked for by name and may not read. */
function readableHubs(
  node: SignalingNode,
  socket: Socket,
  access: Opened['user']['access'],
): Map<string, Membership> {
  const all = hubsOf(socket.identity, access, node.clock.now());
  const readable = new Map([...all].filter(([, { privilege }]) => holds(privilege, 'READ')));
  if (!socket.hubIds) return readable;
  for (const [i, hubId] of [...socket.hubIds].entries()) {
    // One that is open only loses it.
    if (!readable.has(hubId) && !socket.ready)
      throw new SignalingError('FORBIDDEN', 'You need READ on this hub.', { field: `hubIds[${i}]` });
  }
  return new Map([...readable].filter(([hubId]) => socket.hubIds?.has(hubId)));
}

function topicsOf({ uid, kinds }: Socket, hubs: ReadonlyMap<string, Membership>): Map<Topic, number> {
  const topics = new Map<Topic, number>([[userTopic(uid), 0]]);
  for (const [hubId, { since }] of hubs) {
    topics.set(hubTopic(hubId), since);
    if (kinds?.has('PresenceChanged')) topics.set(presenceTopic(hubId), since);
  }
  return topics;
}

function sameHubs(a: ReadonlyMap<string, Membership>, b: ReadonlyMap<string, Membership>): boolean {
  return a.size === b.size && [...b].every(([hubId, { since }]) => a.get(hubId)?.since === since);
}
