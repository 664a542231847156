import type { Identity } from './caller.ts';
import { holds } from './permission.ts';
import type { SocketRecord } from './ports.ts';
import { type Address, type Batch, type ClosingCode, type Signal, signalKinds } from './signal.ts';
import { hubOf, hubTopic, type Topic } from './topic.ts';

/** Where a socket's signals go: one transport's end of it. No method throws. */
export interface Sink {
  /** Soon: what one turn of the event loop brings leaves together. */
  write(signal: Signal): void;
  /** Now, where nothing waits: one of many that get the same. */
  writeNow(batch: Batch): void;
  /** The service ended the socket; its last signal was written. */
  end(code: ClosingCode): void;
  /** Nobody is there any more: breaks the connection off. The socket is dropped for that. */
  cut(): void;
  /** The client has left. */
  readonly gone: boolean;
  /** Nothing waits to be written. */
  readonly isClear: boolean;
}

/** One open `incomingSignal` subscription on this node. */
export interface Socket {
  readonly uid: string;
  /** Whose token it goes by. */
  identity: Identity;
  record: SocketRecord;
  readonly sink: Sink;
  /** The kinds and hubs it asked for; null for all. */
  readonly kinds: ReadonlySet<string> | null;
  readonly hubIds: ReadonlySet<string> | null;
  /** Hubs whose claims in its token are void; most sockets have none. */
  voided: Set<string> | undefined;
  /** What it listens to, and the number after which. */
  readonly topics: Map<Topic, number>;
  /** Calls off the end of its token. */
  callOffExpiry: (() => void) | undefined;
  /** Calls off the waiting for its client's next sign of life; most clients give none. */
  callOffSign: (() => void) | undefined;
  /** Calls off the ends of grants, by topic; most sockets have none. */
  deadlines: Map<Topic, () => void> | undefined;
  /** Nobody can say whether it has everything: it waits to begin anew. */
  doubted: boolean;
  /** Signals that wait while the socket opens or joins a topic; undefined when it is live. */
  held: Signal[] | undefined;
  /** The last number written. */
  seen: number;
  /** `SocketReady` was written. */
  ready: boolean;
  closed: boolean;
}

export function createSocket(
  parts: Pick<Socket, 'uid' | 'identity' | 'record' | 'sink' | 'kinds' | 'hubIds'>,
): Socket {
  return {
    ...parts,
    voided: undefined,
    topics: new Map(),
    callOffExpiry: undefined,
    callOffSign: undefined,
    deadlines: undefined,
    doubted: false,
    held: [],
    seen: 0,
    ready: false,
    closed: false,
  };
}

/** Whether its token itself allows to read the hub: no grant's end takes that away. */
export function isClaimed({ identity, voided }: Socket, hubId: string): boolean {
  return holds(identity.hubs.get(hubId) ?? 0, 'READ') && !voided?.has(hubId);
}

/** Of the hubs in its token, only these are claimed. */
export function setClaimed(socket: Socket, claimed: ReadonlySet<string>): void {
  socket.voided = undefined;
  const voided = [...socket.identity.hubs.keys()].filter(
    (hubId) => isClaimed(socket, hubId) && !claimed.has(hubId),
  );
  socket.voided = voided.length > 0 ? new Set(voided) : undefined;
}

/** The kinds that reach clients. The others changed sockets when they were new: a replay passes over them. */
const allKinds: ReadonlySet<string> = new Set(Object.values(signalKinds));

/** Writes a logged signal, unless the socket has it, or is not meant. `connected`: see `isMeant`; only for replays. */
export function give(socket: Socket, signal: Signal, connected?: ReadonlySet<string>): void {
  if (take(socket, signal, connected)) socket.sink.write(signal);
}

/**
 * Whether a logged signal is to be written to the socket, which is taken to have it from then on. `knownToListen`: it
 * listens to the signal's topic, which need not be looked up.
 */
export function take(
  socket: Socket,
  signal: Signal,
  connected?: ReadonlySet<string>,
  knownToListen = false,
): boolean {
  if (socket.closed || signal.number === null || signal.number <= socket.seen) return false;
  if (!knownToListen && !isOnTopic(socket, signal)) return false;
  if (!concerns(socket, signal, connected)) return false;
  socket.seen = signal.number;
  return true;
}

/**
 * Whether a socket is to receive a signal that was appended to one of its topics. In a replay a socket also stands for
 * one of the same device that is gone (not in `connected`): it takes what was addressed to that one, and not what
 * that one sent.
 */
export function isMeant(socket: Socket, signal: Signal, connected?: ReadonlySet<string>): boolean {
  return isOnTopic(socket, signal) && concerns(socket, signal, connected);
}

function isOnTopic(socket: Socket, { topic, number }: Signal): boolean {
  return topic !== null && number !== null && listensTo(socket, topic, number);
}

/** Whether somebody who listens to its topic is to receive a signal. */
function concerns(
  socket: Socket,
  { envelope, topic, number }: Signal,
  connected: ReadonlySet<string> | undefined,
): boolean {
  if (!envelope || !topic || number === null) return false;
  if (!(socket.kinds ?? allKinds).has(envelope.kind)) return false;
  if (socket.hubIds && hubOf(topic) === undefined && !socket.hubIds.has(envelope.hubId ?? '')) return false;
  if (envelope.to && !standsFor(socket, envelope.to, connected)) return false;
  if (envelope.except && standsFor(socket, envelope.except, connected)) return false;
  return !envelope.before?.some((hubId) => listensTo(socket, hubTopic(hubId), number));
}

function standsFor(socket: Socket, address: Address, connected: ReadonlySet<string> | undefined): boolean {
  if (socket.record.socketId === address.socketId) return true;
  if (!connected || connected.has(address.socketId)) return false;
  return (
    address.deviceId !== null && socket.uid === address.uid && socket.record.deviceId === address.deviceId
  );
}

function listensTo(socket: Socket, topic: Topic, number: number): boolean {
  const since = socket.topics.get(topic);
  return since !== undefined && since < number;
}
