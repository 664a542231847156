import { randomFillSync } from 'node:crypto';

/** Asking for random bytes costs the same for one id and for hundreds. */
const random = Buffer.alloc(4096);
let used = random.length;

/** A new id: 128 random bits, so that nobody guesses one. The prefix tells a reader of logs what it names. */
export function createId(prefix: 'sig' | 'sock' | 'call' | 'node'): string {
  return `${prefix}_${draw(16, 'base64url')}`;
}

/** A name for a life of the log that none had before: 48 random bits. */
export function createEpoch(): string {
  return draw(6, 'hex');
}

function draw(bytes: number, encoding: BufferEncoding): string {
  if (used + bytes > random.length) {
    randomFillSync(random);
    used = 0;
  }
  const from = used;
  used += bytes;
  return random.toString(encoding, from, used);
}
