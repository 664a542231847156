import type { Socket as Connection } from 'node:net';
import type { Reader, SlowReaders } from './slow-readers.ts';
import { canWriteThrough, descriptorOf, writeThrough } from './wire.ts';

/** How many bytes may wait for a reader before its connection is given up. */
const mostUnsent = 1024 * 1024;

/** What is given to a connection at once, in bytes, and waits there: the rest is fed as it drains. */
export const pieceBytes = 64 * 1024;

/** How items become bytes. Those may be shared between connections: nobody changes them. */
export interface Packing<Item> {
  lengthOf(item: Item): number;
  join(items: readonly Item[]): Buffer;
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
  #descriptor: number;
  /** Of the sign of life that is due within moments. */
  #sign: 'OWED' | 'SENT' | undefined;
  #items: readonly Item[] = nothing;
  #scheduled = false;
  #awaitsDrain = false;
  /** Bytes that were pushed; of those, in `items`, since the last flush, and up to which they are excused from the bound. */
  #pushed = 0;
  #held = 0;
  #fresh = 0;
  #excused = 0;

  /** The owner is told when the reader is too slow. */
  constructor(connection: Connection, packing: Packing<Item>, readers: SlowReaders, owner: { slow(): void }) {
    this.#connection = connection;
    this.#packing = packing;
    this.#readers = readers;
    this.#owner = owner;
    this.#descriptor = descriptorOf(connection);
  }

  get pushed(): number {
    return this.#pushed;
  }

  get unsent(): number {
    return this.#connection.destroyed ? 0 : this.#connection.writableLength + this.#held;
  }

  /** Nothing waits to be written. */
  get isClear(): boolean {
    return this.#items.length === 0 && canWriteThrough(this.#connection, this.#descriptor);
  }

  cut(): void {
    this.#owner.slow();
  }

  push(item: Item): void {
    // Nearly always the only one of its turn: an array of one is a third of one that was made to grow.
    if (this.#items.length === 0) this.#items = [item];
    else (this.#items as Item[]).push(item);
    const length = this.#packing.lengthOf(item);
    this.#pushed += length;
    this.#held += length;
    this.#fresh += length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    waiting.push(this);
    if (isDue) return;
    isDue = true;
    process.nextTick(flushAll);
  }

  /**
   * Writes these bytes, a piece at most, at once; they are the caller's again afterwards. False when nothing was written:
   * something waits already, there is no room, or no way past the stream.
   */
  writeNow(bytes: Buffer): boolean {
    if (this.#items.length > 0) return false;
    const taken = writeThrough(this.#connection, this.#descriptor, bytes);
    if (taken === 0) return false;
    this.signed();
    this.#pushed += bytes.length;
    if (taken === bytes.length) return true;
    this.#excused = this.#pushed;
    this.#connection.write(Buffer.from(bytes.subarray(taken)));
    this.#readers.watch(this);
    return true;
  }

  /** A sign of life is due within moments: the next bytes that leave at once are to be one, or to carry one. */
  oweSign(): void {
    this.#sign = 'OWED';
  }

  get owesSign(): boolean {
    return this.#sign === 'OWED';
  }

  /** What was just written is sign of life enough. */
  signed(): void {
    if (this.#sign === 'OWED') this.#sign = 'SENT';
  }

  /** The sign is due. True when it has left since it was owed; nothing is owed from then on. */
  takeSigned(): boolean {
    const isSent = this.#sign === 'SENT';
    this.#sign = undefined;
    return isSent;
  }

  /** From now on nothing is written at once: what is pushed is judged by others first. */
  stopWritingNow(): void {
    this.#descriptor = -1;
  }

  /** Writes what waits, as far as the reader keeps up. */
  flush(): void {
    const fresh = this.#fresh;
    this.#fresh = 0;
    this.#scheduled = false;
    if (this.#items.length === 0 || this.#connection.destroyed) return;
    if (this.#isFull(fresh)) this.#readers.cut(this);
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
  #isFull(fresh: number): boolean {
    const { unsent } = this;
    const before = unsent - fresh;
    if (before <= 0) this.#excused = this.#pushed;
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
    for (const item of items) this.#held -= this.#packing.lengthOf(item);
    this.#connection.write(this.#packing.join(items));
    if (this.#connection.writableLength > 0) this.#readers.watch(this);
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
