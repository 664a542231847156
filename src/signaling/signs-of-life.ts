import type { Clock, Wheel } from './clock.ts';
import type { Exchange } from './exchange.ts';
import type { Socket } from './socket.ts';
import type { Topic } from './topic.ts';

/*
 * Signs of life that clients give by themselves. Whoever gives one says when the next comes; then it is missed, and the
 * connection is broken off: its socket is in grace, as if its client had left.
 */

/** What a client says of one of its sockets. */
export interface SignOfLife {
  readonly socketId: string;
  /** When the next one comes at the latest, in milliseconds from now; 0: none will come. */
  readonly nextWithinMs: number;
}

export interface SignsOfLife {
  /** Takes a sign for a socket that listens to its user's topic here; false when none of this id does. */
  take(topic: Topic, sign: SignOfLife): boolean;
  /** Another node, or this one, announced a sign on a user's topic. */
  heard(topic: Topic, body: string): void;
}

export interface SignsOfLifeParts {
  readonly exchange: Pick<Exchange, 'listeners' | 'losses' | 'isBehind'>;
  readonly clock: Clock;
  readonly wheel: Wheel;
}

export function createSignsOfLife({ exchange, clock, wheel }: SignsOfLifeParts): SignsOfLife {
  /** A socket that was taken up may be here twice until its former connection is closed: the sign is for both. */
  function take(topic: Topic, { socketId, nextWithinMs }: SignOfLife): boolean {
    let isHere = false;
    for (const socket of exchange.listeners(topic)) {
      if (socket.record.socketId !== socketId || !socket.ready) continue;
      expectNext(socket, nextWithinMs);
      isHere = true;
    }
    return isHere;
  }

  function expectNext(socket: Socket, withinMs: number): void {
    socket.callOffSign?.();
    socket.callOffSign = undefined;
    if (withinMs === 0) return;
    const { losses } = exchange;
    socket.callOffSign = wheel.at(clock.now() + withinMs, () => {
      // It may have come to another node while this one heard nothing: only the next one counts.
      if (exchange.isBehind || losses !== exchange.losses) expectNext(socket, withinMs);
      else socket.sink.cut();
    });
  }

  function heard(topic: Topic, body: string): void {
    const sign = signIn(body);
    if (sign) take(topic, sign);
  }

  return { take, heard };
}

/** What another node announced; nothing, when it is no such thing. */
function signIn(body: string): SignOfLife | undefined {
  try {
    const { socketId, nextWithinMs } = JSON.parse(body) as Record<string, unknown>;
    if (typeof socketId !== 'string' || typeof nextWithinMs !== 'number') return undefined;
    return { socketId, nextWithinMs };
  } catch {
    return undefined;
  }
}
