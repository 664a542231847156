import type { SignalingNode } from './node.ts';
import type { Signal } from './signal.ts';
import type { Socket } from './socket.ts';
import { hubOf, hubTopic, type Topic } from './topic.ts';

/*
 * Entries of a user's topic that change the user's open sockets instead of being written to them. Standing in the
 * log, they take effect in their place: what came before a revocation is delivered, what came after it is not.
 */

/** Acts on such an entry. False when the signal is none of them. */
export function act(node: SignalingNode, socket: Socket, { envelope, number }: Signal): boolean {
  switch (envelope?.kind) {
    case 'HubGranted':
      granted(node, socket, { hubId: envelope.grantedHubId, since: number ?? 0, until: envelope.until });
      return true;
    case 'HubRevoked':
      revoked(node, socket, envelope);
      return true;
    case 'SocketsClosed':
      if (envelope.socketIds.includes(socket.record.socketId)) node.exchange.close(socket, envelope.code);
      return true;
    default:
      return false;
  }
}

function revoked(
  node: SignalingNode,
  socket: Socket,
  { revokedHubId, claims }: { readonly revokedHubId: string; readonly claims: boolean },
): void {
  if (claims) socket.claimed.delete(revokedHubId);
  if (!socket.claimed.has(revokedHubId)) node.exchange.part(socket, hubTopic(revokedHubId));
}

interface Joining {
  readonly hubId: string;
  readonly since: number;
  readonly until: number | null;
}

function granted(node: SignalingNode, socket: Socket, joining: Joining): void {
  if (socket.hubIds && !socket.hubIds.has(joining.hubId)) return;
  const topic = hubTopic(joining.hubId);
  if (socket.topics.has(topic)) partAt(node, socket, topic, joining.until);
  else void joinLate(node, socket, topic, joining);
}

/** Adds a topic to a live socket without a hole: hold, subscribe, read what came since, merge, go on. */
async function joinLate(
  node: SignalingNode,
  socket: Socket,
  topic: Topic,
  { since, until }: Joining,
): Promise<void> {
  socket.held = [];
  try {
    await node.exchange.join(socket, new Map([[topic, since]]));
    const missed = await node.store.entries(topic, since);
    // Older signals of other topics may still be on their way, through the bus and within this node.
    await node.bus.settled();
    if (socket.closed) return;
    node.exchange.catchUp(socket);
    partAt(node, socket, topic, until);
    socket.held = inOrder([...missed.map(node.read), ...socket.held]);
    node.exchange.release(socket);
  } catch (error) {
    // The socket's cursor lies before the grant: coming back with it, it gets all of this.
    node.log.warn({ error, topic }, 'a socket could not join a topic and starts again');
    node.exchange.close(socket, 'GAP');
  }
}

/** Ascending, each number once. */
function inOrder(signals: Signal[]): Signal[] {
  const byNumber = new Map(signals.map((signal) => [signal.number ?? 0, signal]));
  return [...byNumber.entries()].sort(([a], [b]) => a - b).map(([, signal]) => signal);
}

/** Takes the socket off a hub's topic when its grant ends (milliseconds; null: never), instead of when it was to before. */
export function partAt(node: SignalingNode, socket: Socket, topic: Topic, until: number | null): void {
  if (socket.claimed.has(hubOf(topic) ?? '')) return;
  socket.deadlines?.get(topic)?.();
  socket.deadlines?.delete(topic);
  if (until === null) return;
  socket.deadlines ??= new Map();
  const callOff = node.wheel.at(until, () => node.exchange.part(socket, topic));
  socket.deadlines.set(topic, callOff);
}
