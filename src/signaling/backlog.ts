import type { Room } from './rooms.ts';
import type { Batch, Signal } from './signal.ts';
import { inSlices } from './slices.ts';
import type { Socket } from './socket.ts';

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

/** Signals that are delivered together: each socket gets all of them in one go, and so in one write. */
interface Pass {
  readonly signals: Signal[];
  /** Each once. */
  readonly audiences: Audience[];
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
  /** The pass under way, and the one that gathers what comes meanwhile. */
  let running: Pass | undefined;
  let next = createPass();

  function add(signal: Signal, audience: Audience): void {
    next.signals.push(signal);
    if (!next.audiences.includes(audience)) next.audiences.push(audience);
    if (!running && next.signals.length === 1) setImmediate(start);
  }

  function start(): void {
    const pass = next;
    running = pass;
    next = createPass();
    inSlices(socketsOf(pass), (socket) => serve(pass, socket), finish);
  }

  function serve(pass: Pass, socket: Socket): void {
    const batch = admitted(pass, socket);
    if (batch.signals.length === 0) return;
    pass.batch = batch;
    socket.sink.writeNow(batch);
  }

  /** What of a pass a socket is to get now: the last batch again, if it is the same. */
  function admitted(pass: Pass, socket: Socket): Batch {
    const { signals, batch } = pass;
    const knownToListen = isHeardByAll(pass);
    let same = 0;
    let others: Signal[] | undefined;
    for (const signal of signals) {
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

  function bring({ signals }: Pass, socket: Socket): void {
    for (const signal of signals) if (admit(socket, signal, false)) socket.sink.write(signal);
  }

  return { add, catchUp };
}

function createPass(): Pass {
  return { signals: [], audiences: [], batch: createBatch([]) };
}

function createBatch(signals: readonly Signal[]): Batch {
  return { signals, renders: new Map() };
}

/** Nobody in the one audience has joined it after any of the signals. */
function isHeardByAll({ signals, audiences }: Pass): boolean {
  return audiences.length === 1 && (signals[0]?.number ?? 0) > (audiences[0]?.joined ?? 0);
}

function socketsOf({ audiences }: Pass): Iterable<Socket> {
  return audiences.length === 1 && audiences[0] ? audiences[0].sockets : everyoneOf(audiences);
}

function* everyoneOf(audiences: readonly Audience[]): Generator<Socket, undefined> {
  for (const { sockets } of audiences) yield* sockets;
  return undefined;
}
