import { claimedHubs } from './access.ts';
import { liveCalls } from './call-document.ts';
import { callsSoFar, compact } from './call-replay.ts';
import { callView } from './call-view.ts';
import type { Identity } from './caller.ts';
import { checkId } from './check.ts';
import { partAt } from './control.ts';
import { type Cursor, formatCursor, parseCursor } from './cursor.ts';
import { createId } from './id.ts';
import type { SignalingNode } from './node.ts';
import type { Opened } from './ports.ts';
import { type Recovery, type RecoveryFailure, recover } from './recovery.ts';
import { type Beginning, type Registration, register, requireOpen } from './register.ts';
import { checkSocketWish, type ReservedSocket, type SocketWish } from './resume.ts';
import { notice, type Signal, type SignalKind, signalKinds, standingAt } from './signal.ts';
import { createSocket, give, isMeant, type Sink, type Socket, setClaimed } from './socket.ts';
import { tidyUp } from './tidy-up.ts';
import { hubOf, hubTopic } from './topic.ts';

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
  const isFirst = !socket.ready && !registered.former;
  setClaimed(socket, claimedHubs(identity, opened.user.access));
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
  { opened, resumeToken, former }: Registration,
  recovery: Recovery,
): Signal {
  return notice('SocketReady', {
    id: createId('sig'),
    cursor: formatCursor(recovery.cursor),
    sentAt: node.clock.now(),
    socketId: record.socketId,
    deviceId: record.deviceId,
    resumeToken,
    resumed: former !== undefined,
    recovered: recovery.recovered,
    reason: recovery.reason,
    calls: liveCalls(opened.user.live, node.clock.now()).map(callView),
    hubIds: [...topics.keys()].flatMap((topic) => hubOf(topic) ?? []),
    heartbeatMs,
    expiresAt: identity.expiresAt,
  });
}
