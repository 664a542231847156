import { CloseCode } from 'graphql-ws';
import type { Batch, ClosingCode, Signal } from '../signaling/signal.ts';
import type { Signaling } from '../signaling/signaling.ts';
import type { Sink, Socket } from '../signaling/socket.ts';
import { keptBytes } from './bytes.ts';
import type { Door } from './context.ts';
import { asciiJson, type Frame, FrameSheet } from './frame.ts';
import { type Outbox, pieceBytes } from './outbox.ts';
import type { Plan } from './plan.ts';
import { noResume, type Resume } from './resume.ts';
import type { WsConnection } from './ws-connection.ts';

/**
 * The close code that says why we ended a socket, where the whole connection ends with it; graphql-ws clients come back
 * after each. The other codes end the one operation.
 */
export const closeCodes: Partial<Record<ClosingCode, number>> = {
  TOKEN_EXPIRED: CloseCode.Forbidden,
  SHUTTING_DOWN: 1001,
};

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * One subscription's end of a WebSocket: the door it is opened through, the sink of its signals, and what graphql-ws
 * returns from when the client completes the operation, or leaves.
 */
export class WsDoor implements Door, Sink, AsyncIterableIterator<never> {
  resume: Resume;
  readonly #id: string;
  readonly #signaling: Signaling;
  readonly #connection: WsConnection;
  /** The connection's: one object less to look at, for each of thousands. */
  readonly #outbox: Outbox<Frame>;
  readonly #plan: Plan;
  /** The operation's id, as it stands in its messages. */
  readonly #frameId: string;
  #socket: Socket | undefined;

  /** `id` is the operation's. The door is on the connection's list until it is left. */
  constructor(signaling: Signaling, connection: WsConnection, id: string, plan: Plan) {
    this.#id = id;
    this.#signaling = signaling;
    this.#connection = connection;
    this.#outbox = connection.outbox;
    this.resume = connection.takeResume();
    this.#plan = plan;
    this.#frameId = asciiJson(id);
    connection.doors.push(this);
  }

  get sink(): Sink {
    return this;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    this.resume = noResume;
    if (this.gone) this.#signaling.drop(socket);
  }

  get gone(): boolean {
    return !this.#connection.doors.includes(this);
  }

  get isClear(): boolean {
    return this.#outbox.isClear;
  }

  write(signal: Signal): void {
    this.#connection.write({ id: this.#frameId, text: this.#plan.renderAs(signal, keptBytes) });
  }

  writeNow(batch: Batch): void {
    const sheet = this.#plan.renderAll(batch, keptBytes, sheetOf);
    const isPiece = sheet.lengthFor(this.#frameId) <= pieceBytes;
    const outbox = this.#outbox;
    if (isPiece && outbox.writeNow(sheet.addressed(this.#frameId, outbox.owesSign))) return;
    for (const signal of batch.signals) this.write(signal);
  }

  end(code: ClosingCode): void {
    const closeCode = closeCodes[code];
    if (code === 'SLOW_CONSUMER') this.cut();
    else if (closeCode) this.#connection.closeSoon(closeCode, code);
    else this.#complete();
    // Clients come back with all sockets of a connection, so all of them are told.
    if (code === 'SHUTTING_DOWN') for (const door of this.#connection.doors) door.shutDown();
  }

  shutDown(): void {
    if (this.#socket) this.#signaling.close(this.#socket, 'SHUTTING_DOWN');
  }

  /** The connection takes its bytes too slowly. */
  slow(): void {
    if (this.#socket) this.#signaling.close(this.#socket, 'SLOW_CONSUMER');
  }

  cut(): void {
    this.#connection.terminate();
  }

  /** Says that the operation is over, as graphql-ws would: the next one may have its id. */
  #complete(): void {
    this.leave();
    this.#connection.complete(this.#id, this);
  }

  /** Lets go of everything. May be called again. */
  leave(): void {
    if (this.gone) return;
    this.#connection.doors = this.#connection.doors.filter((door) => door !== this);
    if (this.#socket) this.#signaling.drop(this.#socket);
    // It has opened nothing: the next one may try.
    else this.#connection.resume = this.resume;
    this.#plan.release();
  }

  /** The client has completed the operation, or left. */
  async return(): Promise<IteratorResult<never>> {
    this.leave();
    return done;
  }

  /** Nobody asks: signals go past graphql-ws. */
  async next(): Promise<IteratorResult<never>> {
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function sheetOf(payloads: readonly Buffer[]): FrameSheet {
  return new FrameSheet(payloads);
}
