import type { Signal } from './signal.ts';
import { inSlices } from './slices.ts';
import type { Socket } from './socket.ts';

/**
 * Signals for large audiences, delivered a slice of sockets at a time, so that nothing else on this node waits for
 * them. Whoever is to get another signal meanwhile first gets what it still lacks of these: order holds everywhere.
 */
export interface Backlog {
  /** Delivers a signal to an audience, soon. Signals come in ascending number. */
  add(signal: Signal, audience: ReadonlySet<Socket>): void;
  /** Delivers to one socket, now, what is on its way to it. */
  catchUp(socket: Socket): void;
}

/** Above this, an audience is large. */
export const largeAudience = 256;

/** How many sockets one turn of the event loop serves: about two milliseconds' work. */
const slice = 256;

/** Signals that are delivered together: each socket gets all of them in one go, and so in one write. */
interface Pass {
  readonly signals: Signal[];
  readonly audiences: Set<ReadonlySet<Socket>>;
}

/** `deliver` skips what a socket has already, or is not to have. */
export function createBacklog(deliver: (socket: Socket, signal: Signal) => void): Backlog {
  /** The pass under way, and the one that gathers what comes meanwhile. */
  let running: Pass | undefined;
  let next: Pass = { signals: [], audiences: new Set() };

  function add(signal: Signal, audience: ReadonlySet<Socket>): void {
    next.signals.push(signal);
    next.audiences.add(audience);
    if (!running && next.signals.length === 1) setImmediate(start);
  }

  function start(): void {
    const pass = next;
    running = pass;
    next = { signals: [], audiences: new Set() };
    inSlices(socketsOf(pass), slice, (socket) => serve(pass, socket), finish);
  }

  function serve({ signals }: Pass, socket: Socket): void {
    for (const signal of signals) deliver(socket, signal);
    // Now, and not with the rest of the slice: memory that was just touched is touched again at little cost.
    socket.sink.flush();
  }

  function finish(): void {
    running = undefined;
    if (next.signals.length > 0) setImmediate(start);
  }

  function catchUp(socket: Socket): void {
    if (running) for (const signal of running.signals) deliver(socket, signal);
    for (const signal of next.signals) deliver(socket, signal);
  }

  return { add, catchUp };
}

function* socketsOf({ audiences }: Pass): Generator<Socket, undefined> {
  for (const audience of audiences) yield* audience;
  return undefined;
}
