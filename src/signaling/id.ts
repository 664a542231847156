import { randomBytes } from 'node:crypto';

/** A new id: 128 random bits, so that nobody guesses one. The prefix tells a reader of logs what it names. */
export function createId(prefix: 'sig' | 'sock' | 'call' | 'node'): string {
  return `${prefix}_${randomBytes(16).toString('base64url')}`;
}
