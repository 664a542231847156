import { createBacklog, largeAudience } from './backlog.ts';
import type { Clock, Wheel } from './clock.ts';
import { closing, isFinal } from './closing.ts';
import type { Cursor } from './cursor.ts';
import type { Log } from './log.ts';
import type { Bus, BusListener, Departure, Logged, Store } from './ports.ts';
import { isWhole, type RecoveryFailure } from './recovery.ts';
import { createRegistrar } from './registrar.ts';
import { createResync, type Restored } from './resync.ts';
import { createRooms, follows, type Room } from './rooms.ts';
import type { ClosingCode, Signal, SignalReader } from './signal.ts';
import { urgent } from './slices.ts';
import { give, type Socket, take } from './socket.ts';
import { hubOf, type Topic } from './topic.ts';

/** Topics to local sockets: what this node's sockets listen to, with one subscription per topic. */
export interface Exchange {
  /** Adds a socket to topics, each after its number; resolves when nothing committed from now on can be missed. */
  join(socket: Socket, topics: ReadonlyMap<Topic, number>): Promise<void>;
  /** Takes a socket off a topic, at once. */
  part(socket: Socket, topic: Topic): void;
  /** A socket has everything of its topics up to a cut of the log. */
  settled(socket: Socket, cut: Cursor): void;
  /** It cannot be proven that a socket has everything: it begins anew on its living stream. */
  doubt(socket: Socket, reason: RecoveryFailure): void;
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
  /** How often entries may have been missed. Who reads the log while it changes reads it again. */
  readonly losses: number;
  /** Entries may be missing at this moment, and so may what was announced. */
  readonly isBehind: boolean;
  /** The local sockets that listen to a topic. */
  listeners(topic: Topic): Iterable<Socket>;
  /** How many topics this node is subscribed to. */
  topics(): number;
}

/** How many sockets begin anew at a time. */
const atOnce = 64;

export interface ExchangeParts {
  readonly bus: Bus;
  readonly store: Store;
  readonly read: SignalReader;
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly log: Log;
  /** Acts on an entry that changes a live socket; false for one that is to be written to it. */
  act(socket: Socket, signal: Signal): boolean;
  /** Begins a socket anew: reads what it listens to, and tells it so. Throws UNAVAILABLE. */
  reopen(socket: Socket, reason: RecoveryFailure): Promise<void>;
  /** Something was announced on a topic that is listened to. */
  readonly onNews: BusListener['onNews'];
}

export function createExchange(parts: ExchangeParts): Exchange {
  const { bus, store, read, clock, wheel, log, act, reopen, onNews } = parts;
  const rooms = createRooms({ bus, clock, wheel });
  const sockets = new Set<Socket>();
  const backlog = createBacklog(admit);
  let epoch: string | undefined;
  let losses = 0;
  /** Entries that came while the node makes up for a loss; undefined when it does not. */
  let waiting: Logged[] | undefined;
  const registrar = createRegistrar({ store, clock, wheel, log, counts: rooms.counts });
  const resync = createResync({
    bus,
    store,
    clock,
    log,
    counts: rooms.counts,
    topics: () => [...rooms.all()].map(([topic, { after }]) => ({ topic, after })),
    sockets: () => [...sockets].filter(({ ready }) => ready),
    epoch: () => epoch ?? null,
    restored,
  });

  async function join(socket: Socket, topics: ReadonlyMap<Topic, number>): Promise<void> {
    if (waiting) await resync.soon();
    if (socket.closed) return;
    sockets.add(socket);
    const entered = rooms.enter(socket, topics.keys());
    for (const [topic, after] of topics) {
      const room = rooms.of(topic);
      if (room) room.joined = Math.max(room.joined, after);
      socket.topics.set(room?.topic ?? topic, after);
      // One that is still opening brings its counts with its registration.
      if (socket.ready) registrar.changed(topic);
    }
    await entered;
  }

  function part(socket: Socket, topic: Topic): void {
    socket.topics.delete(topic);
    socket.deadlines?.get(topic)?.();
    socket.deadlines?.delete(topic);
    if (rooms.leave(socket, topic)) registrar.changed(topic);
  }

  function receive(entry: Logged): void {
    if (waiting) {
      waiting.push(entry);
      return;
    }
    const room = rooms.of(entry.topic);
    if (!room) return;
    if (follows(room, entry) && entry.epoch === (epoch ?? entry.epoch)) {
      dispatch(room, entry);
      return;
    }
    log.warn({ topic: entry.topic, number: entry.number }, 'an entry does not follow on the last one');
    lost();
    waiting = [entry];
  }

  function dispatch(room: Room, entry: Logged): void {
    room.after = room.isTold ? Math.max(room.after ?? 0, entry.number) : entry.number;
    room.isTold = true;
    const signal = readable(entry);
    if (!signal) return;
    // A user's entries may act on sockets, each in its place; however many sockets a user opens, they are served one by one.
    const isHub = hubOf(room.topic) !== undefined;
    if (!isHub) urgent();
    if (isHub && room.sockets.size > largeAudience) backlog.add(signal, room);
    else for (const socket of room.sockets) deliver(socket, signal);
  }

  function settled(socket: Socket, cut: Cursor): void {
    if (epoch !== undefined && epoch !== cut.epoch) {
      // Only the one that was just opened knows of it.
      for (const other of sockets) if (other !== socket && other.ready) hold(other);
      lost();
    }
    epoch = cut.epoch;
    for (const topic of socket.topics.keys()) {
      const room = rooms.of(topic);
      if (room && !room.isTold) room.after = Math.min(room.after ?? cut.number, cut.number);
    }
  }

  /** Holds everything back until it is known what was missed. */
  function lost(): void {
    losses++;
    waiting ??= [];
    resync.begin();
  }

  /** What was missed has been read: it is delivered with what came meanwhile, and all goes on. */
  function restored({ cuts, taken }: Restored): void {
    for (const socket of taken) close(socket, 'REPLACED');
    const present = cuts[0]?.epoch ?? epoch;
    const doubtful = new Map<Socket, RecoveryFailure>();
    for (const socket of sockets)
      if (socket.ready && (socket.doubted || present !== epoch)) doubtful.set(socket, 'EPOCH');
    const entries = new Map<number, Logged>();
    for (const cut of cuts) {
      for (const kept of cut.topics) {
        const room = rooms.of(kept.topic);
        if (!room || room.after === undefined) continue;
        const isProven = !cut.tooMuch && isWhole(kept, room.after);
        for (const socket of isProven ? [] : room.sockets)
          if (socket.ready && !doubtful.has(socket))
            doubtful.set(socket, cut.tooMuch ? 'TOO_MUCH' : 'TRIMMED');
        for (const entry of kept.entries) entries.set(entry.number, entry);
        [room.after, room.isTold] = [cut.number, true];
      }
    }
    epoch = present;
    for (const entry of waiting ?? []) if (entry.epoch === present) entries.set(entry.number, entry);
    waiting = undefined;
    for (const socket of doubtful.keys()) hold(socket);
    for (const entry of [...entries.values()].sort((a, b) => a.number - b.number)) {
      const room = rooms.of(entry.topic);
      if (room) dispatch(room, entry);
    }
    log.info(
      { topics: rooms.size, entries: entries.size, doubtful: doubtful.size },
      'made up for what was missed',
    );
    void beginAnew(doubtful);
  }

  function hold(socket: Socket): void {
    socket.doubted = true;
    socket.held ??= [];
  }

  function doubt(socket: Socket, reason: RecoveryFailure): void {
    hold(socket);
    void beginAnew(new Map([[socket, reason]]));
  }

  /** A few at a time. Those that cannot begin now do so when the store is back. */
  async function beginAnew(doubtful: ReadonlyMap<Socket, RecoveryFailure>): Promise<void> {
    const left = doubtful.entries();
    const begin = async (): Promise<void> => {
      for (const [socket, reason] of left) if (!socket.closed) await reopen(socket, reason);
    };
    try {
      await Promise.all(Array.from({ length: Math.min(doubtful.size, atOnce) }, begin));
    } catch (error) {
      log.warn({ error }, 'sockets could not begin anew; they try again');
      if (!waiting) lost();
    }
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
    // What came before this in the same turn may have ended it.
    if (socket.closed) return;
    if (socket.held) socket.held.push(signal);
    else if (!act(socket, signal)) give(socket, signal);
  }

  /** The same for a hub's signals, which never act on a socket; whoever asks writes it. */
  function admit(socket: Socket, signal: Signal, knownToListen: boolean): boolean {
    if (!socket.held) return take(socket, signal, undefined, knownToListen);
    // It is offered again before each of the socket's own signals; what is held is in ascending number.
    if ((signal.number ?? 0) > (socket.held.at(-1)?.number ?? 0)) socket.held.push(signal);
    return false;
  }

  function release(socket: Socket): void {
    const held = socket.held ?? [];
    [socket.held, socket.doubted] = [undefined, false];
    // A grant among them holds the socket again, and with it the rest.
    for (const signal of held) offer(socket, signal);
  }

  function close(socket: Socket, code: ClosingCode): void {
    if (socket.closed) return;
    leave(socket, 'SERVICE', isFinal(code));
    // One that is still opening is refused by whoever opens it.
    if (!socket.ready) return;
    socket.sink.write(closing(code, clock.now()));
    socket.sink.end(code);
  }

  function leave(socket: Socket, by: NonNullable<Departure['by']>, isFinal = false): void {
    if (socket.closed) return;
    socket.closed = true;
    sockets.delete(socket);
    for (const topic of [...socket.topics.keys()]) part(socket, topic);
    socket.callOffExpiry?.();
    socket.callOffSign?.();
    registrar.left(socket, by, isFinal);
  }

  async function stop(): Promise<void> {
    for (const socket of [...sockets]) close(socket, 'SHUTTING_DOWN');
    resync.stop();
    await registrar.told();
  }

  bus.listen({ onEntry: receive, onNews, onLost: lost });
  return {
    join,
    part,
    settled,
    doubt,
    catchUp: backlog.catchUp,
    release,
    close,
    drop: (socket) => leave(socket, 'CLIENT'),
    counts: rooms.counts,
    stop,
    sockets,
    get losses() {
      return losses;
    },
    get isBehind() {
      return waiting !== undefined;
    },
    listeners: (topic) => rooms.of(topic)?.sockets ?? [],
    topics: () => rooms.size,
  };
}
