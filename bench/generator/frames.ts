/*
 * As much of RFC 6455 as a client needs that never looks into a message: text frames out, and in what comes in the
 * pings, which want an answer.
 */

/** A masked text frame. The mask is zero: allowed, and it leaves the text as it is. */
export function textFrame(text: string): Buffer {
  return frame(0x1, Buffer.from(text));
}

export const pongFrame = frame(0xa, Buffer.alloc(0));

function frame(opcode: number, payload: Buffer): Buffer {
  const mask = Buffer.alloc(4);
  return Buffer.concat([Buffer.from([0x80 | opcode, ...lengthBytes(payload.length)]), mask, payload]);
}

function lengthBytes(length: number): number[] {
  if (length < 126) return [0x80 | length];
  if (length < 65_536) return [0x80 | 126, length >> 8, length & 0xff];
  throw new RangeError('The generator sends no frames of this size.');
}

export const opcodes = { text: 0x1, ping: 0x9 };

/** A whole frame that begins here, and where its payload is. Undefined while some of it has yet to come. */
export function frameAt(
  bytes: Buffer,
  at: number,
): { opcode: number; start: number; end: number } | undefined {
  const header = bytes.subarray(at, at + headerLength([0, bytes[at + 1] ?? 0]));
  if (header.length < headerLength([...header])) return undefined;
  const start = at + header.length;
  const end = start + payloadLength([...header]);
  return end <= bytes.length ? { opcode: (header[0] ?? 0) & 0xf, start, end } : undefined;
}

/** Tells apart the frames in the bytes of one connection, however they are cut into reads. */
export class FrameReader {
  /** Bytes of the present frame's payload that have yet to come. */
  private left = 0;
  /** A header of which only the beginning has come. */
  private header: number[] = [];

  /** Calls `found` with the opcode and the payload's length of each frame that begins. */
  read(chunk: Buffer, found: (opcode: number, length: number) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.left > 0) {
        const taken = Math.min(this.left, chunk.length - at);
        this.left -= taken;
        at += taken;
      } else {
        this.header.push(chunk[at++] ?? 0);
        if (this.header.length === headerLength(this.header)) this.begin(found);
      }
    }
  }

  private begin(found: (opcode: number, length: number) => void): void {
    const [first = 0] = this.header;
    this.left = payloadLength(this.header);
    this.header = [];
    found(first & 0xf, this.left);
  }
}

function payloadLength([, second = 0, ...extended]: readonly number[]): number {
  return extended.length === 0 ? second : extended.reduce((length, byte) => length * 256 + byte, 0);
}

function headerLength([, second]: readonly number[]): number {
  if (second === undefined) return 2;
  if (second < 126) return 2;
  return second === 126 ? 4 : 10;
}
