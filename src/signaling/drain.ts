import type { Clock, Wheel } from './clock.ts';
import { SignalingError } from './errors.ts';
import type { Exchange } from './exchange.ts';

/** How a node leaves: its sockets are closed one after the other, so that they do not all come back at once elsewhere. */
export interface Drain {
  readonly begun: boolean;
  /** Throws UNAVAILABLE once it has begun. */
  refuse(): void;
  /** Closes all sockets, spread over a time in milliseconds (0: at once). Resolves when that is over. */
  begin(spreadMs: number): Promise<void>;
}

/** Until when a client stays away that is sent to another node, in milliseconds at most. */
const mostAwayMs = 1000;

/** When a client should come back whose node is stopping, in milliseconds: another time for each. */
export function awayMs(): number {
  return Math.round(Math.random() * mostAwayMs);
}

export function createDrain(
  exchange: Pick<Exchange, 'sockets' | 'close'>,
  clock: Clock,
  wheel: Wheel,
): Drain {
  let begun = false;

  function closeAll(): void {
    for (const socket of [...exchange.sockets]) exchange.close(socket, 'SHUTTING_DOWN');
  }

  function begin(spreadMs: number): Promise<void> {
    begun = true;
    if (spreadMs <= 0) return Promise.resolve(closeAll());
    const now = clock.now();
    for (const socket of exchange.sockets)
      wheel.at(now + Math.random() * spreadMs, () => exchange.close(socket, 'SHUTTING_DOWN'));
    return new Promise((resolve) => {
      // Those too that were just opening.
      wheel.at(now + spreadMs, () => resolve(closeAll()));
    });
  }

  return {
    get begun() {
      return begun;
    },
    refuse() {
      if (begun)
        throw new SignalingError('UNAVAILABLE', 'This node is stopping.', { retryAfterMs: awayMs() });
    },
    begin,
  };
}
