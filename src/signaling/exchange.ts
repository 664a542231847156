import { createBacklog, largeAudience } from './backlog.ts';
import type { Clock, Wheel } from './clock.ts';
import { createId } from './id.ts';
import type { Log } from './log.ts';
import type { Bus, Departure, Logged, Store } from './ports.ts';
import { createRegistrar } from './registrar.ts';
import { type ClosingCode, notice, type Signal, type SignalReader } from './signal.ts';
import { give, type Socket } from './socket.ts';
import { hubOf, type Topic } from './topic.ts';

/** Topics to local sockets: what this node's sockets listen to, with one subscription per topic. */
export interface Exchange {
  /** Adds a socket to topics, each after its number; resolves when nothing committed from now on can be missed. */
  join(socket: Socket, topics: ReadonlyMap<Topic, number>): Promise<void>;
  /** Takes a socket off a topic, at once. */
  part(socket: Socket, topic: Topic): void;
  /** Tells in which epoch the log is now; sockets of another one are closed, to start again. */
  observe(epoch: string): void;
  /** Brings a socket what is on its way to it within this node: signals for large hubs take their time. */
  catchUp(socket: Socket): void;
  /** Writes what was held, then lets the socket go on live. */
  release(socket: Socket): void;
  /** Ends a socket from our side: a last `SocketClosing`, then the transport's end. */
  close(socket: Socket, code: ClosingCode): void;
  /** Forgets a socket whose client has left. */
  drop(socket: Socket): void;
  /** How many local sockets listen to each of these hubs. */
  counts(topics: Iterable<Topic>): Map<string, number>;
  /** Ends every socket and waits until the store has forgotten them. */
  stop(): Promise<void>;
  readonly sockets: ReadonlySet<Socket>;
  /** How many topics this node is subscribed to. */
  topics(): number;
}

/** The local listeners of one topic. */
interface Room {
  readonly sockets: Set<Socket>;
  readonly subscribed: Promise<void>;
  /** The newest entry that came, to notice when one did not. */
  newest: Logged | undefined;
  callOffLeaving: (() => void) | undefined;
}

/** A topic without sockets stays subscribed this long, so that a reconnect costs nothing, in milliseconds. */
const lingerMs = 1000;

/** When clients should come back after we closed them, in milliseconds; clients add their own jitter. */
const retryAfterMs: Partial<Record<ClosingCode, number>> = {
  GAP: 0,
  SLOW_CONSUMER: 1000,
  SHUTTING_DOWN: 500,
  TOKEN_EXPIRED: 0,
};

export interface ExchangeParts {
  readonly bus: Bus;
  readonly store: Store;
  readonly read: SignalReader;
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly log: Log;
  /** Acts on an entry that changes a live socket; false for one that is to be written to it. */
  act(socket: Socket, signal: Signal): boolean;
}

export function createExchange(parts: ExchangeParts): Exchange {
  const { bus, store, read, clock, wheel, log, act } = parts;
  const rooms = new Map<Topic, Room>();
  const sockets = new Set<Socket>();
  const backlog = createBacklog(offer);
  let epoch: string | undefined;
  const registrar = createRegistrar({ store, clock, wheel, log, counts });

  async function join(socket: Socket, topics: ReadonlyMap<Topic, number>): Promise<void> {
    if (socket.closed) return;
    sockets.add(socket);
    const wanted = [...topics.keys()];
    subscribe(wanted.filter((topic) => !rooms.has(topic)));
    const subscribed = wanted.map((topic) => enter(socket, topic, topics.get(topic) ?? 0));
    await Promise.all(subscribed);
  }

  function subscribe(topics: Topic[]): void {
    if (topics.length === 0) return;
    const subscribed = bus.subscribe(topics);
    const created = topics.map((topic): [Topic, Room] => {
      const room = { sockets: new Set<Socket>(), subscribed, newest: undefined, callOffLeaving: undefined };
      rooms.set(topic, room);
      return [topic, room];
    });
    subscribed.catch(() => {
      for (const [topic, room] of created) if (rooms.get(topic) === room) rooms.delete(topic);
    });
  }

  function enter(socket: Socket, topic: Topic, after: number): Promise<void> | undefined {
    const room = rooms.get(topic);
    socket.topics.set(topic, after);
    room?.sockets.add(socket);
    // One that is still opening brings its counts with its registration.
    if (socket.ready) registrar.changed(topic);
    room?.callOffLeaving?.();
    return room?.subscribed;
  }

  function part(socket: Socket, topic: Topic): void {
    socket.topics.delete(topic);
    socket.deadlines?.get(topic)?.();
    socket.deadlines?.delete(topic);
    const room = rooms.get(topic);
    if (!room?.sockets.delete(socket)) return;
    registrar.changed(topic);
    if (room.sockets.size > 0) return;
    room.callOffLeaving = wheel.at(clock.now() + lingerMs, () => abandon(topic, room));
  }

  function abandon(topic: Topic, room: Room): void {
    if (room.sockets.size > 0 || rooms.get(topic) !== room) return;
    rooms.delete(topic);
    bus.unsubscribe([topic]);
  }

  function receive(entry: Logged): void {
    const room = rooms.get(entry.topic);
    if (!room) return;
    observe(entry.epoch);
    const complete = follows(room.newest, entry);
    room.newest = entry;
    if (!complete) {
      log.warn(
        { topic: entry.topic, number: entry.number },
        'an entry is missing before this one: its sockets start again',
      );
      for (const socket of [...room.sockets]) close(socket, 'GAP');
      return;
    }
    const signal = readable(entry);
    if (!signal) return;
    if (room.sockets.size > largeAudience) backlog.add(signal, room.sockets);
    else for (const socket of room.sockets) deliver(socket, signal);
  }

  /** Another epoch is another log: nobody can say what the open sockets missed at its beginning. */
  function observe(present: string): void {
    if (epoch !== undefined && epoch !== present) {
      log.warn({ epoch: present }, 'the log has begun a new epoch: every socket starts again');
      for (const socket of [...sockets]) if (socket.ready) close(socket, 'GAP');
    }
    epoch = present;
  }

  function readable(entry: Logged): Signal | undefined {
    try {
      return read(entry);
    } catch (error) {
      log.error({ topic: entry.topic, number: entry.number, error }, 'an entry of the log cannot be read');
      return undefined;
    }
  }

  /** A signal to one socket, after whatever is still on its way to it. */
  function deliver(socket: Socket, signal: Signal): void {
    backlog.catchUp(socket);
    offer(socket, signal);
  }

  function offer(socket: Socket, signal: Signal): void {
    if (socket.held) socket.held.push(signal);
    else if (!act(socket, signal)) give(socket, signal);
  }

  function release(socket: Socket): void {
    const held = socket.held ?? [];
    socket.held = undefined;
    // A grant among them holds the socket again, and with it the rest.
    for (const signal of held) offer(socket, signal);
  }

  function close(socket: Socket, code: ClosingCode): void {
    if (socket.closed) return;
    leave(socket, 'SERVICE');
    // One that is still opening is refused by whoever opens it.
    if (!socket.ready) return;
    socket.sink.write(closing(code, clock.now()));
    socket.sink.end(code);
  }

  function leave(socket: Socket, by: NonNullable<Departure['by']>): void {
    if (socket.closed) return;
    socket.closed = true;
    sockets.delete(socket);
    for (const topic of [...socket.topics.keys()]) part(socket, topic);
    socket.callOffExpiry?.();
    registrar.left(socket, by);
  }

  function counts(topics: Iterable<Topic>): Map<string, number> {
    const byHub = new Map<string, number>();
    for (const topic of topics) {
      const hubId = hubOf(topic);
      if (hubId !== undefined) byHub.set(hubId, rooms.get(topic)?.sockets.size ?? 0);
    }
    return byHub;
  }

  function lost(): void {
    log.warn({ sockets: sockets.size }, 'the bus was lost: every socket starts again from its cursor');
    rooms.clear();
    for (const socket of [...sockets]) close(socket, 'GAP');
  }

  async function stop(): Promise<void> {
    for (const socket of [...sockets]) close(socket, 'SHUTTING_DOWN');
    await registrar.told();
  }

  bus.listen({ onEntry: receive, onLost: lost });
  return {
    join,
    part,
    observe,
    catchUp: backlog.catchUp,
    release,
    close,
    drop: (socket) => leave(socket, 'CLIENT'),
    counts,
    stop,
    sockets,
    topics: () => rooms.size,
  };
}

/** Whether nothing lies between two entries of a topic. A topic whose record ran out begins again at 0. */
function follows(newest: Logged | undefined, entry: Logged): boolean {
  return !newest || entry.previous === newest.number || entry.previous === 0;
}

function closing(code: ClosingCode, now: number): Signal {
  return notice('SocketClosing', {
    id: createId('sig'),
    cursor: null,
    sentAt: now,
    code,
    reconnect: code !== 'DISCONNECTED' && code !== 'TOO_MANY_SOCKETS',
    retryAfterMs: retryAfterMs[code] ?? null,
  });
}
