import { awayMs } from './drain.ts';
import { createId } from './id.ts';
import { type ClosingCode, notice, type Signal } from './signal.ts';

/** When clients should come back after we closed them, in milliseconds; clients add their own jitter. */
const retryAfterMs: Partial<Record<ClosingCode, number>> = {
  SLOW_CONSUMER: 1000,
  ROTATION: 0,
  TOKEN_EXPIRED: 0,
};

/** After this a socket does not come back: it is gone without grace. */
export function isFinal(code: ClosingCode): boolean {
  return code === 'DISCONNECTED' || code === 'TOO_MANY_SOCKETS';
}

/** Whether the client of a socket that was closed so is to open one again. */
export function mayComeBack(code: ClosingCode): boolean {
  return !isFinal(code) && code !== 'REPLACED';
}

/** The last signal of a socket that the service closes; `now` in milliseconds. */
export function closing(code: ClosingCode, now: number): Signal {
  return notice('SocketClosing', {
    id: createId('sig'),
    cursor: null,
    sentAt: now,
    code,
    reconnect: mayComeBack(code),
    retryAfterMs: code === 'SHUTTING_DOWN' ? awayMs() : (retryAfterMs[code] ?? null),
  });
}
