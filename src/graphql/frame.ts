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
};

/** WebSocket frames, one after the other, in one buffer of their own. */
export function joinFrames(frames: readonly Frame[]): Buffer {
  let length = 0;
  for (const frame of frames) length += headLength(lengthOf(frame)) + lengthOf(frame);
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const frame of frames) at = writeFrame(bytes, at, frame);
  return bytes;
}

function writeFrame(bytes: Buffer, offset: number, frame: Frame): number {
  let at = writeHead(bytes, offset, lengthOf(frame));
  at += frame.start.copy(bytes, at);
  return at + frame.rest.copy(bytes, at);
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
