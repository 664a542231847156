import type { Socket as Connection } from 'node:net';

/** How many bytes may wait for a reader before its connection is given up. */
const mostUnsent = 1024 * 1024;

/** The outboxes that have something to write. One callback at the end of the tick empties them all. */
let waiting: { flush(): void }[] = [];

function flushAll(): void {
  const flushing = waiting;
  waiting = [];
  for (const outbox of flushing) outbox.flush();
}

/**
 * What one tick brings for a connection, written in one go at the tick's end. A class, as everything of which there is
 * one per connection: closures in its place cost a socket 50 bytes each.
 */
export class Outbox<Item> {
  readonly #connection: Connection;
  readonly #join: (items: readonly Item[]) => Buffer;
  readonly #owner: { slow(): void };
  #items: Item[] = [];

  /**
   * `join` makes the bytes of what came in one tick; they may be shared between connections, so they are never changed.
   * The owner is told when more bytes wait for the reader than allowed.
   */
  constructor(connection: Connection, join: (items: readonly Item[]) => Buffer, owner: { slow(): void }) {
    this.#connection = connection;
    this.#join = join;
    this.#owner = owner;
  }

  /** More waits for the reader than allowed. */
  get full(): boolean {
    return this.#connection.writableLength > mostUnsent;
  }

  push(item: Item): void {
    if (this.#items.push(item) > 1) return;
    if (waiting.push(this) === 1) process.nextTick(flushAll);
  }

  /** Writes what waits, so that what is written past the outbox comes after it. */
  flush(): void {
    const items = this.#items;
    if (items.length === 0 || this.#connection.destroyed) return;
    this.#items = [];
    // Judged by what an earlier write has left: a replay may be larger than the bound by itself.
    if (this.full) this.#owner.slow();
    else this.#connection.write(this.#join(items));
  }
}
