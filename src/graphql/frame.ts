import type { Packing } from './outbox.ts';

/** A message of the protocol graphql-transport-ws: the payload of a `next`, or without an id the whole message. */
export interface Frame {
  /** The id of the operation, by `asciiJson`. */
  readonly id: string | undefined;
  readonly text: Buffer;
}

/** RFC 6455, section 5.2: a final text frame, not masked, because it comes from a server. */
const finalText = 0x81;

/** A Ping with nothing to say (RFC 6455, section 5.5.2). */
export const pingFrame = Buffer.from([0x89, 0]);

/** What stands around the id and the payload of a `next`. */
const [beforeId, afterId, afterPayload] = ['{"id":', ',"type":"next","payload":', '}'];

export const framePacking: Packing<Frame> = { lengthOf: frameLength, join: joinFrames };

/** WebSocket frames, one after the other. */
export function joinFrames(frames: readonly Frame[]): Buffer {
  const bytes = Buffer.allocUnsafe(frames.reduce((sum, frame) => sum + frameLength(frame), 0));
  let at = 0;
  for (const frame of frames) {
    at = writeHead(bytes, at, messageLength(frame));
    if (frame.id !== undefined) at += bytes.write(beforeId + frame.id + afterId, at, 'latin1');
    at += frame.text.copy(bytes, at);
    if (frame.id !== undefined) at += bytes.write(afterPayload, at, 'latin1');
  }
  return bytes;
}

/**
 * The frames of one batch for all connections, which differ in the ids of operations alone: each id is written over the
 * last one. Bytes of its own for each connection cost no more to write, but a quarter of a delivery to collect.
 */
export class FrameSheet {
  readonly #payloads: readonly Buffer[];
  /** Of the frames without their ids, in bytes. */
  readonly #bareLength: number;
  /** The frames with the last id, and behind them a Ping; the same without that; and where in them the id stands. */
  #bytesAndPing: Buffer = Buffer.alloc(0);
  #bytes: Buffer = this.#bytesAndPing;
  #places: readonly number[] = [];
  /** The last id: an id is encoded once, and copied to each frame. */
  #id: Buffer | undefined;

  constructor(payloads: readonly Buffer[]) {
    this.#payloads = payloads;
    const bare = payloads.map((text) => frameLength({ id: '', text }));
    this.#bareLength = bare.reduce((sum, length) => sum + length, 0);
  }

  /** How many bytes the frames with this id have, give or take those that say how long each is. */
  lengthFor(id: string): number {
    return this.#bareLength + this.#payloads.length * id.length;
  }

  /** The frames with this id, by `asciiJson`, and a Ping if wanted. The bytes are the caller's until the next call. */
  addressed(id: string, withPing = false): Buffer {
    if (this.#id?.length === id.length) this.#id.write(id, 'latin1');
    else this.#id = this.#layOut(id);
    for (const place of this.#places) this.#bytes.set(this.#id, place);
    return withPing ? this.#bytesAndPing : this.#bytes;
  }

  /** Makes room for ids as long as this one. */
  #layOut(id: string): Buffer {
    const frames = this.#payloads.map((text) => ({ id, text }));
    this.#bytesAndPing = Buffer.concat([joinFrames(frames), pingFrame]);
    this.#bytes = this.#bytesAndPing.subarray(0, -pingFrame.length);
    let end = 0;
    this.#places = frames.map((frame) => {
      end += frameLength(frame);
      return end - messageLength(frame) + beforeId.length;
    });
    return Buffer.from(id, 'latin1');
  }
}

/** JSON with a byte for each character, whatever is in the text. */
export function asciiJson(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^ -~]/g,
    (other) => `\\u${other.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function frameLength(frame: Frame): number {
  const length = messageLength(frame);
  return headLength(length) + length;
}

function messageLength({ id, text }: Frame): number {
  if (id === undefined) return text.length;
  return beforeId.length + id.length + afterId.length + text.length + afterPayload.length;
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
