import type { Connection } from './connection.ts';

/** Each socket is read about once in this, in milliseconds: soon enough to answer a ping. */
const roundMs = 1000;

/**
 * Reads a few sockets each millisecond; until then the kernel keeps what has come. Who reads thousands of sockets as soon as they
 * have something holds the core for milliseconds on end, within the kernel even where everybody else goes first.
 * What comes is counted; its latency says nothing.
 */
export function readInSips(connections: readonly Connection[]): void {
  const sip = Math.ceil(connections.length / roundMs);
  let from = 0;
  for (const connection of connections) connection.pause();
  setInterval(() => {
    for (const connection of connections.slice(from, from + sip)) connection.pause();
    from = from + sip < connections.length ? from + sip : 0;
    for (const connection of connections.slice(from, from + sip)) connection.resume();
  }, 1);
}
