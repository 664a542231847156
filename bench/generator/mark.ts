/*
 * Every payload carries the time at which it was meant to be sent, so that a delivery is recognised, and its latency
 * known, by a few bytes wherever they stand.
 */

const start = '"at":"';
const startBytes = Buffer.from(start);
const digits = 16;
const length = start.length + digits;
const zero = '0'.charCodeAt(0);

/** A payload as JSON text of so many bytes, its time still to be written. */
export function payloadText(bytes: number): string {
  const frame = JSON.stringify({ at: '0'.repeat(digits), fill: '' });
  return frame.replace('"fill":""', `"fill":"${'x'.repeat(Math.max(0, bytes - frame.length))}"`);
}

/** The places in a request where the time is written. */
export function placesOf(request: Buffer): number[] {
  const places: number[] = [];
  for (let at = request.indexOf(startBytes); at !== -1; at = request.indexOf(startBytes, at + length)) {
    places.push(at + start.length);
  }
  return places;
}

export function writeTime(request: Buffer, place: number, timeUs: number): void {
  request.write(String(timeUs).padStart(digits, '0'), place, digits, 'latin1');
}

/** Finds marks in the bytes of one connection, however they are cut into reads. */
export class MarkReader {
  /** The end of what was read, where a mark may have begun. Always shorter than a mark. */
  private rest = '';

  read(chunk: Buffer, found: (timeUs: number) => void): void {
    if (chunk.length < length) this.readShort(chunk.toString('latin1'), found);
    else this.readLong(chunk, found);
  }

  private readLong(chunk: Buffer, found: (timeUs: number) => void): void {
    let from = this.readSeam(chunk, found);
    for (;;) {
      const at = chunk.indexOf(startBytes, from);
      if (at === -1 || at + length > chunk.length) break;
      found(timeAt(chunk, at + start.length));
      from = at + length;
    }
    this.rest = chunk.toString('latin1', Math.max(from, chunk.length - length + 1));
  }

  /** A mark that began in the read before; returns where it ends in this one. */
  private readSeam(chunk: Buffer, found: (timeUs: number) => void): number {
    const seam = this.rest + chunk.toString('latin1', 0, length - 1);
    return Math.max(0, endOfMark(seam, found) - this.rest.length);
  }

  private readShort(text: string, found: (timeUs: number) => void): void {
    const seam = this.rest + text;
    const end = endOfMark(seam, found);
    this.rest = seam.slice(Math.max(end, seam.length - length + 1));
  }
}

/** Where the mark in a short text ends; 0 when there is none. */
function endOfMark(text: string, found: (timeUs: number) => void): number {
  const at = text.indexOf(start);
  if (at === -1 || at + length > text.length) return 0;
  found(Number(text.slice(at + start.length, at + length)));
  return at + length;
}

function timeAt(chunk: Buffer, at: number): number {
  let time = 0;
  for (let i = at; i < at + digits; i++) time = time * 10 + (chunk[i] ?? zero) - zero;
  return time;
}
