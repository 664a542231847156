import { after } from './timing.ts';

/** How often a sign is given, in milliseconds. */
const everyMs = 8_000;

export interface SignsOfLifeParts {
  /** The socket that needs signs now; null when none does. */
  subject(): string | null;
  /** Gives one. `isLast`: no other will come. */
  say(socketId: string, isLast: boolean): void;
}

/**
 * Over server-sent events the service cannot ask whether this client is still there. During calls, when others wait for
 * its answer, the client says so itself.
 */
export class SignsOfLife {
  readonly #parts: SignsOfLifeParts;
  #subject: string | null = null;
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
    else if (before !== null) this.#parts.say(before, true);
  }

  #beat(socketId: string): void {
    this.#parts.say(socketId, false);
    this.#callOff = after(everyMs, () => this.#beat(socketId));
  }
}
