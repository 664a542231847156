import type { SocketReady } from './types.ts';

/** How many ids are remembered, against signals that come again with another number. */
const mostIds = 2_000;

/**
 * Where an application stands in the log: what it was given, and so what it must not be given again. Numbers only grow
 * within an epoch; a new epoch begins anew.
 */
export class Position {
  #epoch = '';
  #number = -1;
  #cursor: string | null = null;
  /** A signal sent to several hubs has a number in each, and the same id. */
  readonly #ids = new Set<string>();

  /** Of the last signal taken: what to go on after. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** The cursor is no good: there is nothing to go on after. What was taken stays known. */
  forget(): void {
    this.#cursor = null;
  }

  /**
   * A socket that begins anew goes on from its own cursor. Within the epoch that may lie before what was taken, because
   * it repeats what belongs to live calls.
   */
  begin({ recovered, cursor }: SocketReady): void {
    if (!recovered && cursor !== null) this.#advance(cursor);
  }

  /** Whether a signal is new. It counts as taken from now on. */
  take({ id, cursor }: { readonly id: string; readonly cursor: string | null }): boolean {
    if (cursor !== null && !this.#advance(cursor)) return false;
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > mostIds) for (const oldest of this.#ids) return this.#ids.delete(oldest);
    return true;
  }

  /** False when the cursor lies not above what was taken. */
  #advance(cursor: string): boolean {
    const [epoch = '', digits = ''] = cursor.split(':');
    const number = Number(digits);
    if (epoch === this.#epoch && number <= this.#number) {
      this.#cursor ??= `${this.#epoch}:${this.#number}`;
      return false;
    }
    this.#epoch = epoch;
    this.#number = number;
    this.#cursor = cursor;
    return true;
  }
}
