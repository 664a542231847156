import { nowUs } from '../clock.ts';
import type { Connection } from './connection.ts';

/** Each socket is read about once in this, in microseconds: soon enough to answer a ping, which may take six seconds. */
const roundUs = 3_000_000;

/** A round has at least so many sips. */
const leastSips = 200;

/**
 * Reads a few sockets each millisecond; until then the kernel keeps what has come. Who reads thousands of sockets as soon as they
 * have something holds the core for milliseconds on end, within the kernel even where everybody else goes first.
 * What comes is counted; its latency says nothing.
 */
export function readInSips(connections: readonly Connection[]): void {
  const began = nowUs();
  let reading: Connection[] = [];
  let read = 0;
  for (const connection of connections) connection.pause();
  setInterval(() => {
    for (const connection of reading) connection.pause();
    // By the time that has passed: this may come to run seldom. Then it catches up, in larger sips.
    const due = Math.floor(((nowUs() - began) / roundUs) * connections.length);
    const sip = Math.min(due - read, Math.ceil(connections.length / leastSips));
    const next = (_: unknown, i: number) => connections[(read + i) % connections.length] as Connection;
    reading = Array.from({ length: sip }, next);
    read += sip;
    for (const connection of reading) connection.resume();
  }, 1);
}
