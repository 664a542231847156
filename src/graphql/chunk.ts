import { keptBytes } from './bytes.ts';
import type { Packing } from './outbox.ts';

/** One chunk of a chunked HTTP/1.1 body (RFC 9112, section 7.1), and the part of it that is the body. */
export interface Chunk {
  readonly framed: Buffer;
  readonly body: Buffer;
}

export function chunkOf(text: string): Chunk {
  const length = Buffer.byteLength(text);
  const head = `${length.toString(16)}\r\n`;
  const framed = keptBytes(`${head}${text}\r\n`);
  return { framed, body: framed.subarray(head.length, head.length + length) };
}

/** The chunk that ends a body. */
export const lastChunk = Buffer.from('0\r\n\r\n');

/** Chunks as they go over the connection. */
export const framedPacking: Packing<Chunk> = {
  lengthOf: ({ framed }) => framed.length,
  join: joinChunks,
};

/** The same for a client that does not know chunks (HTTP/1.0). */
export const bodyPacking: Packing<Chunk> = {
  lengthOf: ({ body }) => body.length,
  join: joinBodies,
};

export function joinBodies(chunks: readonly Chunk[]): Buffer {
  return Buffer.concat(chunks.map(({ body }) => body));
}

export function joinChunks(chunks: readonly Chunk[]): Buffer {
  const [first] = chunks;
  return first && chunks.length === 1 ? first.framed : Buffer.concat(chunks.map(({ framed }) => framed));
}
