import type { SignalingNode } from './node.ts';
import type { Content, Signal } from './signal.ts';
import { isClaimed, type Socket, setClaimed } from './socket.ts';
import { hubOf, hubTopic, presenceTopic, type Topic } from './topic.ts';

/*
 * Entries of a user's topic that change the user's open sockets instead of being written to them. Standing in the
 * log, they take effect in their place: what came before a revocation is delivered, what came after it is not.
 */

/** Acts on such an entry. False when the signal is none of them. */
export function act(node: SignalingNode, socket: Socket, { envelope, number }: Signal): boolean {
  switch (envelope?.kind) {
    case 'HubGranted':
      granted(node, socket, { ...envelope, hubId: envelope.grantedHubId, since: number ?? 0 });
      return true;
    case 'HubRevoked':
      revoked(node, socket, envelope);
      return true;
    case 'SessionRefreshed':
      refreshed(node, socket, envelope);
      return true;
    case 'SocketReplaced':
      if (envelope.socketId === socket.record.socketId && socket.record.generation < envelope.generation)
        node.exchange.close(socket, 'REPLACED');
      return true;
    case 'SocketsClosed':
      if (envelope.socketIds.includes(socket.record.socketId)) node.exchange.close(socket, envelope.code);
      return true;
    default:
      return false;
  }
}

/** The socket goes on under another token. What only the former one allowed to read ends here. */
function refreshed(
  node: SignalingNode,
  socket: Socket,
  { deviceId, expiresAt, issuedAt, hubs, claimed, claims }: Content & { kind: 'SessionRefreshed' },
): void {
  if (deviceId !== null && deviceId !== socket.record.deviceId) return;
  // It goes by a newer one, which lasts longer.
  if (issuedAt < socket.identity.issuedAt && expiresAt < socket.identity.expiresAt) return;
  const former = [...socket.identity.hubs.keys()].filter((hubId) => isClaimed(socket, hubId));
  socket.identity = { ...socket.identity, expiresAt, issuedAt, hubs: new Map(claims) };
  setClaimed(socket, new Set(claimed));
  socket.callOffExpiry?.();
  socket.callOffExpiry = node.wheel.at(expiresAt, () => node.exchange.close(socket, 'TOKEN_EXPIRED'));
  const untils = new Map(hubs.map(({ hubId, until }) => [hubId, until]));
  for (const hubId of former) if (!untils.has(hubId)) leaveHub(node, socket, hubTopic(hubId));
  for (const [hubId, until] of untils)
    if (socket.topics.has(hubTopic(hubId))) partAt(node, socket, hubTopic(hubId), until);
}

function revoked(
  node: SignalingNode,
  socket: Socket,
  { revokedHubId, claims }: { readonly revokedHubId: string; readonly claims: boolean },
): void {
  if (claims) socket.voided = new Set([...(socket.voided ?? []), revokedHubId]);
  if (!isClaimed(socket, revokedHubId)) leaveHub(node, socket, hubTopic(revokedHubId));
}

/** Takes the socket off a hub's topic, and off its presence. */
function leaveHub(node: SignalingNode, socket: Socket, topic: Topic): void {
  node.exchange.part(socket, topic);
  node.exchange.part(socket, presenceTopic(hubOf(topic) ?? ''));
}

interface Joining {
  readonly hubId: string;
  readonly since: number;
  readonly until: number | null;
  /** What a socket has already, it keeps as it is. */
  readonly ifMissing?: boolean | undefined;
}

function granted(node: SignalingNode, socket: Socket, joining: Joining): void {
  if (socket.hubIds && !socket.hubIds.has(joining.hubId)) return;
  const topic = hubTopic(joining.hubId);
  const isThere = socket.topics.has(topic);
  if (isThere && !joining.ifMissing) partAt(node, socket, topic, joining.until);
  else if (!isThere) void joinLate(node, socket, topic, joining);
}

/** Adds a topic to a live socket without a hole: hold, subscribe, read what came since, merge, go on. */
async function joinLate(
  node: SignalingNode,
  socket: Socket,
  topic: Topic,
  { since, until }: Joining,
): Promise<void> {
  socket.held = [];
  const topics = new Map([[topic, since]]);
  if (socket.kinds?.has('PresenceChanged')) topics.set(presenceTopic(hubOf(topic) ?? ''), since);
  try {
    for (let losses = -1; losses !== node.exchange.losses; ) {
      losses = node.exchange.losses;
      await node.exchange.join(socket, topics);
      const missed = await node.store.entries(topic, since);
      // Older signals of other topics may still be on their way, through the bus and within this node.
      await node.bus.settled();
      // It begins anew, and reads its hubs for that.
      if (socket.closed || socket.doubted) return;
      if (losses !== node.exchange.losses) continue;
      node.exchange.catchUp(socket);
      partAt(node, socket, topic, until);
      socket.held = inOrder([...missed.map(node.read), ...(socket.held ?? [])]);
      node.exchange.release(socket);
    }
  } catch (error) {
    node.log.warn({ error, topic }, 'a socket could not join a topic and begins anew');
    node.exchange.doubt(socket, 'TRIMMED');
  }
}

/** Ascending, each number once. */
function inOrder(signals: Signal[]): Signal[] {
  const byNumber = new Map(signals.map((signal) => [signal.number ?? 0, signal]));
  return [...byNumber.entries()].sort(([a], [b]) => a - b).map(([, signal]) => signal);
}

/** Takes the socket off a hub's topic when its grant ends (milliseconds; null: never), instead of when it was to before. */
export function partAt(node: SignalingNode, socket: Socket, topic: Topic, until: number | null): void {
  socket.deadlines?.get(topic)?.();
  socket.deadlines?.delete(topic);
  if (until === null || isClaimed(socket, hubOf(topic) ?? '')) return;
  socket.deadlines ??= new Map();
  const callOff = node.wheel.at(until, () => leaveHub(node, socket, topic));
  socket.deadlines.set(topic, callOff);
}
