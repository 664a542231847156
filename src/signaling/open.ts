import { claimedHubs, forgetEnded, hubsOf, type Membership, rememberClaims } from './access.ts';
import { liveCalls } from './call-document.ts';
import { callsSoFar, compact } from './call-replay.ts';
import { callView } from './call-view.ts';
import type { Identity } from './caller.ts';
import { checkId, checkOptionalId, checkText } from './check.ts';
import { partAt } from './control.ts';
import { type Cursor, formatCursor, parseCursor } from './cursor.ts';
import { entryFor } from './entry.ts';
import { SignalingError } from './errors.ts';
import { createId } from './id.ts';
import type { SignalingNode } from './node.ts';
import { holds } from './permission.ts';
import type { Entry, Opened } from './ports.ts';
import { type Recovery, recover } from './recovery.ts';
import { notice, type Signal, type SignalKind, signalKinds, standingAt } from './signal.ts';
import { createSocket, give, isMeant, type Sink, type Socket } from './socket.ts';
import { hubOf, hubTopic, type Topic, userTopic } from './topic.ts';

/** What a client asks for with `incomingSignal`. */
export interface SocketRequest {
  readonly deviceId?: string | null | undefined;
  readonly deviceLabel?: string | null | undefined;
  readonly after?: string | null | undefined;
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
  const socket = socketFor(node, identity, request, sink);
  try {
    const { opened, hubs } = await register(node, identity, socket, cursor);
    const recovery = recover(opened, cursor, socket.topics, node.clock.now());
    const replay = recovery.recovered ? recovery : await fromCalls(node, socket, opened, recovery, cursor);
    requireOpen(socket);
    start(node, identity, socket, opened, hubs, replay);
    return socket;
  } catch (error) {
    node.exchange.drop(socket);
    throw error;
  }
}

function socketFor(node: SignalingNode, identity: Identity, request: SocketRequest, sink: Sink): Socket {
  const record = {
    socketId: createId('sock'),
    deviceId: checkOptionalId(request.deviceId, 'deviceId'),
    deviceLabel: checkText(request.deviceLabel, 'deviceLabel'),
    openedAt: node.clock.now(),
    ...(identity.busy === 'reject' && { rejectsWhenBusy: true as const }),
  };
  const kinds = request.kinds ? new Set<string>(request.kinds.map((kind) => signalKinds[kind])) : null;
  const hubIds = request.hubIds
    ? new Set(request.hubIds.map((hubId, i) => checkId(hubId, `hubIds[${i}]`)))
    : null;
  return createSocket({ uid: identity.uid, record, sink, kinds, hubIds });
}

interface Registration {
  readonly opened: Opened;
  readonly hubs: ReadonlyMap<string, Membership>;
}

/** Subscribes, then registers and reads in one step; once more when a hub was granted or revoked in between. */
async function register(
  node: SignalingNode,
  identity: Identity,
  socket: Socket,
  cursor: Cursor | undefined,
): Promise<Registration> {
  const { exchange, store } = node;
  await exchange.join(socket, new Map([[userTopic(socket.uid), 0]]));
  requireOpen(socket);
  let { access } = await store.user(socket.uid);
  let hubs = readableHubs(node, identity, socket, access);
  for (;;) {
    await exchange.join(socket, topicsOf(socket.uid, hubs));
    requireOpen(socket);
    const opened = await store.open(openingOf(node, identity, socket, access, cursor));
    requireOpen(socket);
    access = opened.user.access;
    const present = readableHubs(node, identity, socket, access);
    if (sameHubs(hubs, present)) return { opened, hubs: present };
    for (const hubId of hubs.keys()) if (!present.has(hubId)) exchange.part(socket, hubTopic(hubId));
    hubs = present;
  }
}

function requireOpen(socket: Socket): void {
  if (!socket.sink.gone && !socket.closed) return;
  throw new SignalingError('UNAVAILABLE', 'The socket was closed while it opened.', { retryAfterMs: 0 });
}

function openingOf(
  node: SignalingNode,
  identity: Identity,
  socket: Socket,
  access: Opened['user']['access'],
  cursor: Cursor | undefined,
) {
  return {
    uid: socket.uid,
    socket: socket.record,
    access: rememberClaims(identity, access, node.clock.now()),
    counts: node.exchange.counts(socket.topics.keys()),
    topics: [...socket.topics].map(([topic, since]) => ({
      topic,
      after: Math.max(since, cursor?.number ?? 0),
    })),
    epoch: cursor?.epoch ?? null,
    limit: replayLimit,
  };
}

/** The hubs whose signals the socket is to receive. Throws FORBIDDEN for one it asked for by name and may not read. */
function readableHubs(
  node: SignalingNode,
  identity: Identity,
  socket: Socket,
  access: Opened['user']['access'],
): Map<string, Membership> {
  const all = hubsOf(identity, access, node.clock.now());
  const readable = new Map([...all].filter(([, { privilege }]) => holds(privilege, 'READ')));
  if (!socket.hubIds) return readable;
  for (const [i, hubId] of [...socket.hubIds].entries()) {
    if (!readable.has(hubId))
      throw new SignalingError('FORBIDDEN', 'You need READ on this hub.', { field: `hubIds[${i}]` });
  }
  return new Map([...readable].filter(([hubId]) => socket.hubIds?.has(hubId)));
}

function topicsOf(uid: string, hubs: ReadonlyMap<string, Membership>): Map<Topic, number> {
  const topics = new Map<Topic, number>([[userTopic(uid), 0]]);
  for (const [hubId, { since }] of hubs) topics.set(hubTopic(hubId), since);
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
function start(
  node: SignalingNode,
  identity: Identity,
  socket: Socket,
  opened: Opened,
  hubs: ReadonlyMap<string, Membership>,
  replay: Recovery,
): void {
  node.exchange.observe(opened.epoch);
  socket.claimed = claimedHubs(identity, opened.user.access);
  socket.ready = true;
  // Nothing that is sent from now on lies before it, whatever a token's own clock says.
  for (const [topic, since] of socket.topics) socket.topics.set(topic, Math.min(since, opened.number));
  socket.seen = replay.cursor.number;
  socket.sink.write(ready(node, identity, socket, opened, replay));
  const connected = new Set(opened.user.sockets.map(({ socketId }) => socketId));
  const signals = compact(replay.entries.map(node.read), socket.record.deviceId);
  const last = signals.findLast((signal) => isMeant(socket, signal, connected));
  for (const signal of signals) {
    // The last of what a socket gets without its past stands for the cut: all that its cursor skips is not missed.
    give(socket, signal === last && !replay.recovered ? standingAt(signal, opened) : signal, connected);
  }
  socket.seen = Math.max(socket.seen, opened.number);
  socket.callOffExpiry = node.wheel.at(identity.expiresAt, () =>
    node.exchange.close(socket, 'TOKEN_EXPIRED'),
  );
  for (const [hubId, { until }] of hubs) partAt(node, socket, hubTopic(hubId), until);
  node.exchange.release(socket);
  tidyUp(node, identity, opened);
}

function ready(
  node: SignalingNode,
  identity: Identity,
  socket: Socket,
  opened: Opened,
  recovery: Recovery,
): Signal {
  return notice('SocketReady', {
    id: createId('sig'),
    cursor: formatCursor(recovery.cursor),
    sentAt: node.clock.now(),
    socketId: socket.record.socketId,
    deviceId: socket.record.deviceId,
    recovered: recovery.recovered,
    reason: recovery.reason,
    calls: liveCalls(opened.user.live, node.clock.now()).map(callView),
    hubIds: [...socket.topics.keys()].flatMap((topic) => hubOf(topic) ?? []),
    heartbeatMs,
    expiresAt: identity.expiresAt,
  });
}

/** Forgets access that has ended, and closes the oldest sockets of a user who has too many. */
function tidyUp(node: SignalingNode, identity: Identity, opened: Opened): void {
  const access = forgetEnded(identity.uid, opened.user.access, node.clock.now());
  const byAge = [...opened.user.sockets].sort((a, b) => a.openedAt - b.openedAt);
  const surplus = byAge.slice(0, Math.max(0, byAge.length - node.limits.socketsPerUser));
  if (access.length === 0 && surplus.length === 0) return;
  const append =
    surplus.length > 0
      ? [
          socketsClosed(
            identity.uid,
            surplus.map((each) => each.socketId),
            'TOO_MANY_SOCKETS',
          ),
        ]
      : [];
  node.store.commit({ access, append }).catch((error: unknown) => {
    node.log.warn({ error, uid: identity.uid }, 'ended grants and surplus sockets could not be removed');
  });
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
