import { after } from './timing.ts';

/** How often a sign is given, in milliseconds. */
const everyMs = 8_000;

export interface SignsOfLifeParts {
  /** The socket that needs signs now; null when none does. */
  subject(): string | null;
  /** Whether the stream is open. */
  isLive(): boolean;
  /** Gives one, once. `isLast`: no other will come. */
  say(socketId: string, isLast: boolean): Promise<void>;
}

/**
 * Over server-sent events the service cannot ask whether this client is still there. During calls, when others wait for
 * its answer, the client says so itself.
 */
export class SignsOfLife {
  readonly #parts: SignsOfLifeParts;
  #subject: string | null = null;
  /** One after the other: a sign must not overtake the last one. */
  #said: Promise<void> = Promise.resolve();
  #callOff = (): void => {};

  constructor(parts: SignsOfLifeParts) {
    this.#parts = parts;
  }

  /** Gives a sign if one is due now, and sees to the next. `isNew`: the service waits for none yet. */
  look(isNew = false): void {
    const before = isNew ? null : this.#subject;
    this.#subject = this.#parts.subject();
    if (this.#subject === before) return;
    this.#callOff();
    if (this.#subject !== null) this.#beat(this.#subject);
    // Of a stream that is lost nothing is waited for.
    else if (before !== null && this.#parts.isLive()) this.#say(before, true);
  }

  /** Browsers slow the timers of hidden pages down: those promise nothing. */
  #beat(socketId: string): void {
    this.#say(socketId, isHidden());
    this.#callOff = after(everyMs, () => this.#beat(socketId));
  }

  #say(socketId: string, isLast: boolean): void {
    this.#said = this.#said.then(() => this.#parts.say(socketId, isLast));
  }
}

function isHidden(): boolean {
  const { document } = globalThis as { document?: { readonly visibilityState?: string } };
  return document?.visibilityState === 'hidden';
}
