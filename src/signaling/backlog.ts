import { createLookAhead } from './look-ahead.ts';
import type { Room } from './rooms.ts';
import type { Batch, Signal } from './signal.ts';
import { inSlices } from './slices.ts';
import type { Socket } from './socket.ts';
import type { Topic } from './topic.ts';
import { endTurn } from './turns-end.ts';

/**
 * Signals of hubs for large audiences, delivered a slice of sockets at a time, so that nothing else on this node waits for
 * them. Whoever is to get another signal meanwhile first gets what it still lacks of these: order holds everywhere.
 */
export interface Backlog {
  /** Delivers a signal to an audience, soon. Signals come in ascending number. */
  add(signal: Signal, audience: Audience): void;
  /** Delivers to one socket, now, what is on its way to it. */
  catchUp(socket: Socket): void;
}

/** Who listens to a hub. */
export type Audience = Pick<Room, 'sockets' | 'joined'>;

/** Above this, an audience is large: it pays to make one batch for all of it, and not bytes for each. */
export const largeAudience = 16;

/** A round's way through one audience. */
interface Visit {
  readonly audience: Audience;
  /** How many of its sockets are to be served; may grow meanwhile. */
  extent: number;
  /** How many were; everyone, once the round has left the audience. */
  served: number;
}

const everyone = Number.POSITIVE_INFINITY;

/**
 * One round over the sockets of some audiences. Each socket gets all that has come until its turn, in one write; what comes
 * after that goes on to those who are still to be served, and with the next round to those who were.
 */
interface Round {
  /** In ascending number. */
  readonly signals: Signal[];
  /** The same by topic. */
  readonly byTopic: Map<Topic | null, Signal[]>;
  /** One for each audience. */
  readonly visits: Visit[];
  /** What comes for these audiences joins the round; until something comes for another one, which must not be overtaken. */
  isOpen: boolean;
  /** What was written last. Nearly all of an audience get the same. */
  batch: Batch;
}

/**
 * `admit` tells whether a signal is to be written to a socket now; not if it has it already, or is not to have it. Whether
 * it listens to the signal's topic at all is known of some.
 */
export function createBacklog(
  admit: (socket: Socket, signal: Signal, knownToListen: boolean) => boolean,
): Backlog {
  /** The round under way, and the one after that. */
  let running: Round | undefined;
  let next = createRound();

  function add(signal: Signal, audience: Audience): void {
    if (!running && next.signals.length === 0) setImmediate(start);
    const visit = running?.visits.find((each) => each.audience === audience);
    if (running && !visit) running.isOpen = false;
    if (!running?.isOpen || !visit) {
      include(next, signal, audience, everyone);
      return;
    }
    include(running, signal, audience, everyone);
    if (visit.served > 0) include(next, signal, audience, visit.served);
  }

  function start(): void {
    endTurn();
    const round = next;
    running = round;
    next = createRound();
    const ahead = createLookAhead(everyoneOf(round), lookAt);
    inSlices(socketsOf(round), (socket) => serve(round, socket), finish, ahead);
  }

  function serve(round: Round, socket: Socket): void {
    const batch = admitted(round, socket);
    if (batch.signals.length === 0) return;
    round.batch = batch;
    socket.sink.writeNow(batch);
  }

  /** What of a round a socket is to get now: the last batch again, if it is the same. */
  function admitted(round: Round, socket: Socket): Batch {
    const { batch } = round;
    const knownToListen = isHeardByAll(round);
    let same = 0;
    let others: Signal[] | undefined;
    for (const signal of signalsFor(round, socket)) {
      if (!admit(socket, signal, knownToListen)) continue;
      if (!others && batch.signals[same] === signal) same++;
      else {
        others ??= batch.signals.slice(0, same);
        others.push(signal);
      }
    }
    if (others) return createBatch(others);
    return same === batch.signals.length ? batch : createBatch(batch.signals.slice(0, same));
  }

  function finish(): void {
    running = undefined;
    if (next.signals.length > 0) setImmediate(start);
  }

  function catchUp(socket: Socket): void {
    if (running) bring(running, socket);
    bring(next, socket);
  }

  function bring({ signals }: Round, socket: Socket): void {
    for (const signal of signals) if (admit(socket, signal, false)) socket.sink.write(signal);
  }

  return { add, catchUp };
}

function createRound(): Round {
  return { signals: [], byTopic: new Map(), visits: [], isOpen: true, batch: createBatch([]) };
}

function createBatch(signals: readonly Signal[]): Batch {
  return { signals, renders: new Map() };
}

function include(
  { signals, byTopic, visits }: Round,
  signal: Signal,
  audience: Audience,
  extent: number,
): void {
  signals.push(signal);
  const same = byTopic.get(signal.topic);
  if (same) same.push(signal);
  else byTopic.set(signal.topic, [signal]);
  const visit = visits.find((each) => each.audience === audience);
  if (visit) visit.extent = Math.max(visit.extent, extent);
  else visits.push({ audience, extent, served: 0 });
}

/** Those that `socketsOf` comes to, as long as nobody leaves. */
function* everyoneOf({ visits }: Round): Generator<Socket, undefined> {
  for (const { audience, extent } of visits) {
    let count = 0;
    for (const socket of audience.sockets) {
      if (count++ >= extent) break;
      yield socket;
    }
  }
  return undefined;
}

/** At what `admitted` and `writeNow` need. */
function lookAt({ held, seen, closed, kinds, record, sink }: Socket): boolean {
  return sink.isClear && !held && seen >= 0 && !closed && kinds === null && record.socketId !== '';
}

/** Sockets that leave meanwhile only let others move up: whoever is to be served still is. */
function* socketsOf({ visits }: Round): Generator<Socket, undefined> {
  for (const visit of visits) {
    for (const socket of visit.audience.sockets) {
      if (visit.served >= visit.extent) break;
      visit.served++;
      yield socket;
    }
    visit.served = everyone;
  }
  return undefined;
}

/** Those of a round that a socket may listen to: a round may meet hundreds of hubs, and a socket is in a few. */
function signalsFor({ signals, byTopic }: Round, { topics }: Socket): readonly Signal[] {
  if (byTopic.size === 1) return signals;
  let own: readonly Signal[] | undefined;
  for (const topic of topics.keys()) {
    const found = byTopic.get(topic);
    // Those of several hubs are in one order.
    if (own && found) return signals;
    own ??= found;
  }
  return own ?? [];
}

/** Nobody in the one audience has joined it after any of the signals. */
function isHeardByAll({ signals, visits }: Round): boolean {
  return visits.length === 1 && (signals[0]?.number ?? 0) > (visits[0]?.audience.joined ?? 0);
}
