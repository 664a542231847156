import { randomFillSync } from 'node:crypto';

const idBytes = 16;

/** Asking for random bytes costs the same for one id and for hundreds. */
const random = Buffer.alloc(256 * idBytes);
let used = random.length;

/** A new id: 128 random bits, so that nobody guesses one. The prefix tells a reader of logs what it names. */
export function createId(prefix: 'sig' | 'sock' | 'call' | 'node'): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const from = used;
  used += idBytes;
  return `${prefix}_${random.toString('base64url', from, used)}`;
}
