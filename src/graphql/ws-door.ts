import { CloseCode } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { ClosingCode } from '../signaling/signal.ts';
import type { Signaling } from '../signaling/signaling.ts';
import type { Socket } from '../signaling/socket.ts';
import type { Door } from './context.ts';
import type { Plan } from './plan.ts';
import { mostUnsent } from './stream.ts';

/** One subscription's end of a WebSocket. */
export interface WsDoor {
  readonly door: Door;
  /** Ends when the socket does; returning from it is the client's leaving. */
  readonly ending: AsyncGenerator<never>;
  leave(): void;
}

/**
 * The close code that says why we ended a socket, where the whole connection ends with it; graphql-ws clients come back
 * after each. The other codes end the one operation.
 */
const closeCodes: Partial<Record<ClosingCode, number>> = {
  TOKEN_EXPIRED: CloseCode.Forbidden,
  GAP: 1012,
  SHUTTING_DOWN: 1001,
};

/** The door of the operation `id`. Adds itself to the connection's doors until it is left. */
export function createWsDoor(
  signaling: Signaling,
  { ws, doors }: { readonly ws: WebSocket; readonly doors: Set<WsDoor> },
  id: string,
  plan: Plan,
): WsDoor {
  const gone = new AbortController();
  const ended = Promise.withResolvers<void>();
  const start = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  let socket: Socket | undefined;

  function leave(): void {
    if (!doors.delete(self)) return;
    gone.abort();
    if (socket) signaling.drop(socket);
    plan.release();
    ended.resolve();
  }

  const door: Door = {
    gone: gone.signal,
    opened(open) {
      socket = open;
    },
    sink: {
      write(signal) {
        if (ws.readyState !== ws.OPEN) return;
        ws.send(`${start}${plan.render(signal)}}`);
        if (ws.bufferedAmount > mostUnsent && socket) signaling.close(socket, 'SLOW_CONSUMER');
      },
      end(code) {
        const closeCode = closeCodes[code];
        if (code === 'SLOW_CONSUMER') ws.terminate();
        else if (closeCode) ws.close(closeCode, code);
        else leave();
      },
    },
  };

  const self: WsDoor = { door, leave, ending: createEnding(ended.promise, leave) };
  doors.add(self);
  return self;
}

/** A generator without values. Hand-written: an `async function*` could not be ended while it waits. */
function createEnding(ended: Promise<void>, leave: () => void): AsyncGenerator<never> {
  const done = { done: true, value: undefined } as const;
  const ending: AsyncGenerator<never> = {
    next: () => ended.then(() => done),
    async return() {
      leave();
      return done;
    },
    async throw(error) {
      leave();
      throw error;
    },
    [Symbol.asyncIterator]: () => ending,
    async [Symbol.asyncDispose]() {
      leave();
    },
  };
  return ending;
}
