import type { Packing } from './outbox.ts';

/** One chunk of a chunked HTTP/1.1 body (RFC 9112, section 7.1), and the part of it that is the body. */
export interface Chunk {
  readonly framed: Buffer;
  readonly body: Buffer;
}

export function chunkOf(text: string): Chunk {
  const length = Buffer.byteLength(text);
  const head = `${length.toString(16)}\r\n`;
  const framed = Buffer.from(`${head}${text}\r\n`);
  return { framed, body: framed.subarray(head.length, head.length + length) };
}

/** The chunk that ends a body. */
export const lastChunk = Buffer.from('0\r\n\r\n');

/** The last chunks that were joined: the streams of a hub get the same ones, one after the other. */
let last: { chunks: readonly Chunk[]; bytes: Buffer } = { chunks: [], bytes: Buffer.alloc(0) };

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

/** The same bytes for everyone who gets the same chunks. */
export function joinChunks(chunks: readonly Chunk[]): Buffer {
  const [first] = chunks;
  if (first && chunks.length === 1) return first.framed;
  if (!isSame(chunks, last.chunks))
    last = { chunks, bytes: Buffer.concat(chunks.map(({ framed }) => framed)) };
  return last.bytes;
}

function isSame(a: readonly Chunk[], b: readonly Chunk[]): boolean {
  return a.length === b.length && a.every((chunk, i) => chunk === b[i]);
}
