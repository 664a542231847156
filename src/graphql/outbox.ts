import type { Socket as Connection } from 'node:net';
import type { Reader, SlowReaders } from './slow-readers.ts';

/** How many bytes may wait for a reader before its connection is given up. */
const mostUnsent = 1024 * 1024;

/** What is given to a connection at once, in bytes, and waits there: the rest is fed as it drains. */
const pieceBytes = 64 * 1024;

/** How items become bytes. Those may be shared between connections: nobody but the packing changes them. */
export interface Packing<Item> {
  lengthOf(item: Item): number;
  /** A packing with `keep` may write over these bytes when it is called again. */
  join(items: readonly Item[]): Buffer;
  /** What was joined last waits in a connection: it stays as it is. Only for a packing that writes over its bytes. */
  keep?(): void;
}

/** What waits in most outboxes at most times. */
const nothing: readonly never[] = [];

/** The outboxes that have something to write. One callback at the end of the tick empties them all. */
let waiting: { flush(): void }[] = [];
let isDue = false;

function flushAll(): void {
  isDue = false;
  const flushing = waiting;
  waiting = [];
  for (const outbox of flushing) outbox.flush();
}

/**
 * What one tick brings for a connection, written in one go at the tick's end. A class, as everything of which there is
 * one per connection: closures in its place cost a socket 50 bytes each.
 */
export class Outbox<Item> implements Reader {
  readonly #connection: Connection;
  readonly #packing: Packing<Item>;
  readonly #readers: SlowReaders;
  readonly #owner: { slow(): void };
  #items: readonly Item[] = nothing;
  #scheduled = false;
  #awaitsDrain = false;
  /** Bytes that were pushed; of those, up to the last flush, given to the connection, and excused from the bound. */
  #pushed = 0;
  #flushed = 0;
  #fed = 0;
  #excused = 0;

  /** The owner is told when the reader is too slow. */
  constructor(connection: Connection, packing: Packing<Item>, readers: SlowReaders, owner: { slow(): void }) {
    this.#connection = connection;
    this.#packing = packing;
    this.#readers = readers;
    this.#owner = owner;
  }

  get pushed(): number {
    return this.#pushed;
  }

  get unsent(): number {
    return this.#connection.destroyed ? 0 : this.#connection.writableLength + this.#pushed - this.#fed;
  }

  cut(): void {
    this.#owner.slow();
  }

  push(item: Item): void {
    // Nearly always the only one of its turn: an array of one is a third of one that was made to grow.
    if (this.#items.length === 0) this.#items = [item];
    else (this.#items as Item[]).push(item);
    this.#pushed += this.#packing.lengthOf(item);
    if (this.#scheduled) return;
    this.#scheduled = true;
    waiting.push(this);
    if (isDue) return;
    isDue = true;
    process.nextTick(flushAll);
  }

  /** Writes what waits, as far as the reader keeps up; before the tick's end for whoever gets nothing more in it. */
  flush(): void {
    this.#scheduled = false;
    // Who is flushed as soon as it was written to need not be looked at again: in a hub of thousands that would cost.
    if (waiting.at(-1) === this) waiting.pop();
    if (this.#items.length === 0 || this.#connection.destroyed) return;
    if (this.#isFull()) this.#readers.cut(this);
    else this.#feed();
  }

  /** Writes all that waits, so that what is written past the outbox comes after it. */
  empty(): void {
    const items = this.#items;
    if (items.length === 0 || this.#connection.destroyed) return;
    this.#items = nothing;
    this.#write(items);
  }

  /**
   * Judged by what earlier ticks have left. What one tick brings while nothing waits is never too much: a replay may be
   * larger than the bound by itself.
   */
  #isFull(): boolean {
    const { unsent } = this;
    const before = unsent - (this.#pushed - this.#flushed);
    if (before <= 0) this.#excused = this.#pushed;
    this.#flushed = this.#pushed;
    if (before <= mostUnsent) return false;
    const excused = Math.max(0, this.#excused - (this.#pushed - unsent));
    return before - excused > mostUnsent;
  }

  #feed(): void {
    while (this.#items.length > 0 && !this.#isBehind()) this.#write(this.#takePiece());
    if (this.#items.length > 0) this.#awaitDrain();
  }

  #isBehind(): boolean {
    return this.#connection.writableLength >= this.#connection.writableHighWaterMark;
  }

  #awaitDrain(): void {
    if (this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.#connection.once('drain', () => {
      this.#awaitsDrain = false;
      this.#feed();
    });
  }

  #write(items: readonly Item[]): void {
    for (const item of items) this.#fed += this.#packing.lengthOf(item);
    this.#connection.write(this.#packing.join(items));
    // The kernel has its own copy of whatever it took; what it did not take waits here.
    if (this.#connection.writableLength === 0) return;
    this.#packing.keep?.();
    this.#readers.watch(this);
  }

  #takePiece(): readonly Item[] {
    const items = this.#items;
    if (items.length === 1) {
      this.#items = nothing;
      return items;
    }
    let count = 0;
    for (let bytes = 0; count < items.length; count++) {
      bytes += this.#packing.lengthOf(items[count] as Item);
      if (bytes > pieceBytes && count > 0) break;
    }
    this.#items = count === items.length ? nothing : items.slice(count);
    return count === items.length ? items : items.slice(0, count);
  }
}
