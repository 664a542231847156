import type { Packing } from './outbox.ts';

/** The head of a message in the protocol graphql-transport-ws, up to its payload, and the payload with what closes it. */
export interface Frame {
  readonly start: Buffer;
  readonly rest: Buffer;
}

/** RFC 6455, section 5.2: a final text frame, not masked, because it comes from a server. */
const finalText = 0x81;

export const framePacking: Packing<Frame> = {
  lengthOf: (frame) => headLength(lengthOf(frame)) + lengthOf(frame),
  join: joinFrames,
  keep: keepFrames,
};

/**
 * The frames that were joined last, and their bytes. The connections of a hub get the same ones, one after the other, that
 * differ in the ids of operations: those are written over what the last connection got. A buffer of its own for each
 * connection costs no more to write, but a quarter of a delivery to collect.
 */
let last: { readonly frames: readonly Frame[]; readonly bytes: Buffer } | undefined;

/** WebSocket frames, one after the other. The bytes are those of the caller until the next call, unless they are kept. */
export function joinFrames(frames: readonly Frame[]): Buffer {
  if (last && isAlike(frames, last.frames)) return readdress(last.bytes, frames);
  const bytes = layOut(frames);
  last = { frames, bytes };
  return bytes;
}

/** What was joined last is not to change any more. */
export function keepFrames(): void {
  last = undefined;
}

/** Whether frames differ in nothing but ids, of one length. */
function isAlike(a: readonly Frame[], b: readonly Frame[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(({ start, rest }, i) => rest === b[i]?.rest && start.length === b[i]?.start.length);
}

function readdress(bytes: Buffer, frames: readonly Frame[]): Buffer {
  let at = 0;
  for (const frame of frames) {
    const length = lengthOf(frame);
    at += headLength(length);
    frame.start.copy(bytes, at);
    at += length;
  }
  return bytes;
}

function layOut(frames: readonly Frame[]): Buffer {
  const bytes = Buffer.allocUnsafe(frames.reduce((sum, frame) => sum + framePacking.lengthOf(frame), 0));
  let at = 0;
  for (const frame of frames) {
    at = writeHead(bytes, at, lengthOf(frame));
    at += frame.start.copy(bytes, at);
    at += frame.rest.copy(bytes, at);
  }
  return bytes;
}

/** One byte for the kind, one for a length up to 125, two or eight more for a longer one. */
function headLength(payload: number): number {
  if (payload < 126) return 2;
  return payload < 65_536 ? 4 : 10;
}

function writeHead(bytes: Buffer, offset: number, payload: number): number {
  bytes[offset] = finalText;
  if (payload < 126) return bytes.writeUInt8(payload, offset + 1);
  bytes[offset + 1] = payload < 65_536 ? 126 : 127;
  if (payload < 65_536) return bytes.writeUInt16BE(payload, offset + 2);
  return bytes.writeBigUInt64BE(BigInt(payload), offset + 2);
}

function lengthOf({ start, rest }: Frame): number {
  return start.length + rest.length;
}
