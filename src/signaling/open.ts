import { claimedHubs, forgetEnded, hubsOf, type Membership, rememberClaims } from './access.ts';
import { liveCalls } from './call-document.ts';
import { callsSoFar, compact } from './call-replay.ts';
import { callView } from './call-view.ts';
import type { Identity } from './caller.ts';
import { checkId } from './check.ts';
import { partAt } from './control.ts';
import { type Cursor, formatCursor, parseCursor } from './cursor.ts';
import { entryFor } from './entry.ts';
import { SignalingError } from './errors.ts';
import { createId } from './id.ts';
import type { SignalingNode } from './node.ts';
import { holds } from './permission.ts';
import type { Departure, Entry, Opened, Opening, SocketRecord } from './ports.ts';
import { type Recovery, type RecoveryFailure, recover } from './recovery.ts';
import { checkSocketWish, type ReservedSocket, type SocketWish, type TakenUp, takeUp } from './resume.ts';
import { notice, type Signal, type SignalKind, signalKinds, standingAt } from './signal.ts';
import { createSocket, give, isMeant, type Sink, type Socket } from './socket.ts';
import { hubOf, hubTopic, presenceOf, presenceTopic, type Topic, userTopic } from './topic.ts';

/** What a client asks for with `incomingSignal`. */
export interface SocketRequest {
  readonly deviceId?: string | null | undefined;
  readonly deviceLabel?: string | null | undefined;
  readonly after?: string | null | undefined;
  /** Of the socket that this is to be again. */
  readonly resumeToken?: string | null | undefined;
  /** The socket to open, where a ticket has named it. */
  readonly reserved?: ReservedSocket | undefined;
  readonly kinds?: readonly SignalKind[] | null | undefined;
  readonly hubIds?: readonly string[] | null | undefined;
}

/** How often the transports send a sign of life on an idle connection, in milliseconds. */
export const heartbeatMs = 14_000;

/** The most that a replay may hold. */
const replayLimit = { entries: 1000, bytes: 1024 * 1024 };

/**
 * Opens a socket in one cut of the log: its first signal is `SocketReady`, then comes what lies after the cursor it
 * brought, then everything that is committed from now on. Resolves when the first two are written.
 * Throws BAD_USER_INPUT, FORBIDDEN (a hub in `hubIds`), and UNAVAILABLE (the store is away, or the client is); then
 * nothing was written and nothing is left behind.
 */
export async function openSocket(
  node: SignalingNode,
  identity: Identity,
  request: SocketRequest,
  sink: Sink,
): Promise<Socket> {
  const cursor = typeof request.after === 'string' ? parseCursor(request.after, 'after') : undefined;
  const wish = checkSocketWish(request, identity, node.clock.now());
  const socket = socketFor(identity, request, wish, sink);
  try {
    await begin(node, socket, { cursor, wish, reason: null });
    return socket;
  } catch (error) {
    node.exchange.drop(socket);
    throw error;
  }
}

/**
 * Begins an open socket anew, on its living stream: what it had until now is all it gets of the past. Throws UNAVAILABLE;
 * then it still waits.
 */
export async function reopenSocket(
  node: SignalingNode,
  socket: Socket,
  reason: RecoveryFailure,
): Promise<void> {
  if (socket.closed) return;
  try {
    await begin(node, socket, { cursor: undefined, wish: undefined, reason });
  } catch (error) {
    if (!socket.closed) throw error;
  }
}

function socketFor(identity: Identity, request: SocketRequest, { record }: SocketWish, sink: Sink): Socket {
  const kinds = request.kinds ? new Set<string>(request.kinds.map((kind) => signalKinds[kind])) : null;
  const hubIds = request.hubIds
    ? new Set(request.hubIds.map((hubId, i) => checkId(hubId, `hubIds[${i}]`)))
    : null;
  return createSocket({ uid: identity.uid, identity, record, sink, kinds, hubIds });
}

/** How a socket begins. */
interface Beginning {
  readonly cursor: Cursor | undefined;
  /** Which socket it is to be; undefined for one that is open. */
  readonly wish: SocketWish | undefined;
  /** Why its past cannot be had, when that is known before. */
  readonly reason: RecoveryFailure | null;
}

async function begin(node: SignalingNode, socket: Socket, beginning: Beginning): Promise<void> {
  const { cursor, reason } = beginning;
  const registered = await register(node, socket, beginning);
  const { opened } = registered;
  const found = recover(opened, cursor, socket.topics, node.clock.now());
  const recovery = { ...found, reason: reason ?? found.reason };
  const replay = recovery.recovered ? recovery : await fromCalls(node, socket, opened, recovery, cursor);
  requireOpen(socket);
  start(node, socket, registered, replay);
}

interface Registration extends TakenUp {
  readonly opened: Opened;
  readonly hubs: ReadonlyMap<string, Membership>;
}

/**
 * Subscribes, then registers and reads in one step; once more when a hub was granted or revoked in between, when another
 * connection took the socket up, or when the subscriptions were lost.
 */
async function register(
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

function requireOpen(socket: Socket): void {
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

/**
 * Without its past a socket still gets that of the calls that are alive: it begins where they did, so that what follows
 * lies above its cursor.
 */
async function fromCalls(
  node: SignalingNode,
  socket: Socket,
  opened: Opened,
  recovery: Recovery,
  after: Cursor | undefined,
): Promise<Recovery> {
  // What the client has of them stays good, also where its hubs have a gap.
  const known = after?.epoch === opened.epoch ? after.number : 0;
  const entries = await callsSoFar(node, socket, opened, known);
  const [first] = entries;
  if (!first) return recovery;
  return { ...recovery, cursor: { epoch: opened.epoch, number: first.number - 1 }, entries };
}

/** Everything from here to the end happens in one turn of the event loop: no signal can come in between. */
function start(node: SignalingNode, socket: Socket, registered: Registration, replay: Recovery): void {
  const { opened, hubs } = registered;
  const { identity } = socket;
  node.exchange.settled(socket, opened);
  const isFirst = !socket.ready && !registered.isResumed;
  socket.claimed = claimedHubs(identity, opened.user.access);
  socket.ready = true;
  // Nothing that is sent from now on lies before it, whatever a token's own clock says.
  for (const [topic, since] of socket.topics) socket.topics.set(topic, Math.min(since, opened.number));
  socket.seen = replay.cursor.number;
  socket.sink.write(ready(node, socket, registered, replay));
  const others = opened.user.sockets.filter(({ connected }) => connected);
  const connected = new Set(others.map(({ socketId }) => socketId));
  const signals = compact(replay.entries.map(node.read), socket.record.deviceId);
  const last = signals.findLast((signal) => isMeant(socket, signal, connected));
  for (const signal of signals) {
    // The last of what a socket gets without its past stands for the cut: all that its cursor skips is not missed.
    give(socket, signal === last && !replay.recovered ? standingAt(signal, opened) : signal, connected);
  }
  socket.seen = Math.max(socket.seen, opened.number);
  socket.callOffExpiry?.();
  socket.callOffExpiry = node.wheel.at(identity.expiresAt, () =>
    node.exchange.close(socket, 'TOKEN_EXPIRED'),
  );
  for (const [hubId, { until }] of hubs) partAt(node, socket, hubTopic(hubId), until);
  node.exchange.release(socket);
  tidyUp(node, socket, registered);
  if (isFirst) node.presence.opened(socket, opened.user);
}

function ready(
  node: SignalingNode,
  { identity, record, topics }: Socket,
  { opened, resumeToken, isResumed }: Registration,
  recovery: Recovery,
): Signal {
  return notice('SocketReady', {
    id: createId('sig'),
    cursor: formatCursor(recovery.cursor),
    sentAt: node.clock.now(),
    socketId: record.socketId,
    deviceId: record.deviceId,
    resumeToken,
    resumed: isResumed,
    recovered: recovery.recovered,
    reason: recovery.reason,
    calls: liveCalls(opened.user.live, node.clock.now()).map(callView),
    hubIds: [...topics.keys()].flatMap((topic) => hubOf(topic) ?? []),
    heartbeatMs,
    expiresAt: identity.expiresAt,
  });
}

/**
 * What an opening brings with it: access that has ended is forgotten, the socket's former connection and the oldest sockets
 * of a user who has too many are closed, and the device's sockets that nobody took up are over.
 */
function tidyUp(node: SignalingNode, socket: Socket, { opened, former, isResumed }: Registration): void {
  const { uid, record } = socket;
  const access = forgetEnded(uid, opened.user.access, node.clock.now());
  const byAge = opened.user.sockets
    .filter(({ connected }) => connected)
    .sort((a, b) => a.openedAt - b.openedAt);
  const surplus = byAge.slice(0, Math.max(0, byAge.length - node.limits.socketsPerUser));
  const append: Entry[] = [];
  if (former?.connected) append.push(socketReplaced(uid, record));
  if (surplus.length > 0) {
    const socketIds = surplus.map(({ socketId }) => socketId);
    append.push(socketsClosed(uid, socketIds, 'TOO_MANY_SOCKETS'));
  }
  const left = opened.user.sockets.filter(
    ({ connected, deviceId }) => !connected && deviceId !== null && deviceId === record.deviceId,
  );
  const gone = (error: unknown): void =>
    node.log.warn({ error, uid }, 'what an opening leaves behind could not be removed');
  if (append.length > 0 || access.length > 0) node.store.commit({ access, append }).catch(gone);
  if (left.length > 0 && !isResumed)
    node.store
      .close(
        left.map((each) => over(uid, each, node.clock.now())),
        new Map(),
      )
      .catch(gone);
}

/** The end of a socket in grace: its device has another now. */
function over(uid: string, { socketId, deviceId, generation }: SocketRecord, at: number): Departure {
  return { uid, socketId, deviceId, generation, at, by: null, final: true };
}

/** An entry that ends the former connections of a socket that was taken up. */
function socketReplaced(uid: string, { socketId, generation }: SocketRecord): Entry {
  const sender = { id: createId('sig'), service: 'signaling.socket', hubId: null, origin: null };
  return entryFor(userTopic(uid), { ...sender, kind: 'SocketReplaced', socketId, generation });
}

/** An entry that closes sockets of a user, wherever they are. */
export function socketsClosed(
  uid: string,
  socketIds: string[],
  code: 'TOO_MANY_SOCKETS' | 'DISCONNECTED',
): Entry {
  const sender = { id: createId('sig'), service: 'signaling.socket', hubId: null, origin: null };
  return entryFor(userTopic(uid), { ...sender, kind: 'SocketsClosed', code, socketIds });
}
