import { writeSync } from 'node:fs';
import type { Socket as Connection } from 'node:net';

/*
 * The way past Node's stream to the kernel, for one write among thousands. A `net.Socket` makes a request object for
 * each, and keeps books on it in the memory of that connection: that is half a microsecond or more of eight, most of it
 * cache misses. What lies under a connection is not documented: where it is not as expected, everything goes through the
 * stream.
 */

/** The descriptor of an open connection; -1 where there is none that could be written to. */
export function descriptorOf(connection: Connection): number {
  return (connection as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? -1;
}

/**
 * Nothing waits in the stream of an open connection. Once it is destroyed, and so no longer writable, the descriptor may be
 * another's.
 */
export function canWriteThrough(connection: Connection, descriptor: number): boolean {
  return descriptor >= 0 && connection.writable && connection.writableLength === 0;
}

/**
 * Writes to a connection with this descriptor, at once, and returns how many bytes the kernel took: none when there is
 * no room, when something waits in the stream already, or when the connection is broken, which the stream finds out.
 */
export function writeThrough(connection: Connection, descriptor: number, bytes: Buffer): number {
  if (!canWriteThrough(connection, descriptor)) return 0;
  try {
    return writeSync(descriptor, bytes, 0, bytes.length);
  } catch {
    return 0;
  }
}
