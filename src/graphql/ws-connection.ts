import type { Socket as TcpConnection } from 'node:net';
import { CloseCode } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { type Frame, joinFrames } from './frame.ts';
import type { Beating } from './heartbeat.ts';
import { Outbox } from './outbox.ts';
import type { WsDoor } from './ws-door.ts';

/** How many operations may run on one connection; its open sockets do not count. */
const mostRunning = 64;

/** One WebSocket connection, and what we keep of it. */
export class WsConnection implements Beating {
  /** Its open and opening subscriptions. */
  doors: WsDoor[] = [];
  /** Of its `connection_init`. */
  token: string | undefined;
  /** It has said `connection_init`. */
  greeted = false;
  readonly #ws: WebSocket;
  /** Signals go past `ws`, straight to the connection. */
  readonly #outbox: Outbox<Frame>;
  #running = 0;
  #alive = true;
  /** It had not greeted when it was last pinged. */
  #late = false;

  constructor(ws: WebSocket, tcp: TcpConnection) {
    this.#ws = ws;
    this.#outbox = new Outbox(tcp, joinFrames, this);
  }

  get protocol(): string {
    return this.#ws.protocol;
  }

  /** Writes a signal's frame at the end of the tick. */
  write(start: Buffer, rest: Buffer): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#outbox.push({ start, rest });
  }

  /** Sends a message of the protocol, after the signals that wait. A client that is gone needs none. */
  send(data: string): void {
    this.#outbox.flush();
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (this.#outbox.full) this.slow();
    else this.#ws.send(data);
  }

  /** Waits for an operation. While too many run, nothing more is read. */
  async during<Result>(operation: () => Result | Promise<Result>): Promise<Result> {
    if (++this.#running === mostRunning) this.#ws.pause();
    try {
      return await operation();
    } finally {
      if (this.#running-- === mostRunning) this.#ws.resume();
    }
  }

  close(code?: number, reason?: string): void {
    this.#outbox.flush();
    this.#ws.close(code, reason);
  }

  /** Closes at the end of the tick: its other sockets may end in the same one, each with a last signal. */
  closeSoon(code: number, reason: string): void {
    process.nextTick(() => this.close(code, reason));
  }

  terminate(): void {
    this.#ws.terminate();
  }

  /** It takes its bytes too slowly. */
  slow(): void {
    for (const door of this.doors) door.slow();
    this.terminate();
  }

  ping(): void {
    this.#alive = false;
    this.#late = !this.greeted;
    this.#ws.ping();
  }

  pong(): void {
    this.#alive = true;
  }

  expectPong(): void {
    if (this.#late && !this.greeted)
      this.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    else if (!this.#alive) this.#ws.terminate();
  }
}
