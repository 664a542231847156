import type { Socket as TcpConnection } from 'node:net';
import { CloseCode } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { type Frame, framePacking, pingFrame } from './frame.ts';
import type { Beating } from './heartbeat.ts';
import { Outbox } from './outbox.ts';
import { noResume, type Resume } from './resume.ts';
import type { SlowReaders } from './slow-readers.ts';
import type { WsDoor } from './ws-door.ts';

/** How many operations may run on one connection; its open sockets do not count. */
const mostRunning = 64;

/** One WebSocket connection, and what we keep of it. */
export class WsConnection implements Beating {
  slot: Set<Beating> | undefined;
  /** Its open and opening subscriptions. */
  doors: WsDoor[] = [];
  /** Of its `connection_init`. */
  token: string | undefined;
  /** Of its `connection_init` too: for the first socket that opens. */
  resume: Resume = noResume;
  /** It has said `connection_init`. */
  greeted = false;
  /** What graphql-ws has under the ids of the operations that run. */
  operations: Record<string, unknown> = {};
  /** Gives graphql-ws a message. */
  receive: (data: string) => Promise<void> = async () => {};
  /** Tells graphql-ws that the connection has closed. */
  closed: (code: number, reason: string) => Promise<void> = async () => {};
  readonly #ws: WebSocket;
  readonly #tcp: TcpConnection;
  /** Signals go past `ws`, straight to the connection. */
  readonly outbox: Outbox<Frame>;
  #running = 0;
  #alive = true;
  /** It closes as soon as no operation runs. */
  #farewell: { readonly code: number; readonly reason: string } | undefined;
  /** It had not greeted when it was last pinged. */
  #late = false;
  /** The client's last Ping, which waits to be answered. */
  #question: Buffer | undefined;

  constructor(ws: WebSocket, tcp: TcpConnection, slowReaders: SlowReaders) {
    this.#ws = ws;
    this.#tcp = tcp;
    this.outbox = new Outbox(tcp, framePacking, slowReaders, this);
  }

  get protocol(): string {
    return this.#ws.protocol;
  }

  /** Writes a frame at the end of the tick. */
  write(frame: Frame): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.outbox.push(frame);
  }

  onMessage(receive: (data: string) => Promise<void>): void {
    this.receive = receive;
  }

  /** Ends an operation, unless another one has its id by now. */
  complete(id: string, entry: unknown): void {
    if (this.operations[id] !== entry) return;
    delete this.operations[id];
    this.send(JSON.stringify({ id, type: 'complete' }));
  }

  /** Sends a message of the protocol, after the signals that wait. A client that is gone needs none. */
  send(data: string): void {
    this.write({ id: undefined, text: Buffer.from(data) });
  }

  takeResume(): Resume {
    const { resume } = this;
    this.resume = noResume;
    return resume;
  }

  /** Waits for an operation. While too many run, nothing more is read. */
  async during<Result>(operation: () => Result | Promise<Result>): Promise<Result> {
    if (++this.#running === mostRunning) this.#ws.pause();
    try {
      return await operation();
    } finally {
      if (this.#running-- === mostRunning) this.#ws.resume();
      // Its answer is sent before that.
      if (this.#farewell && this.isIdle) setImmediate(() => this.#leave());
    }
  }

  close(code?: number, reason?: string): void {
    this.outbox.empty();
    // Nothing follows a Close frame (RFC 6455, section 5.5.1), and only `ws` knows of it.
    this.outbox.stopWritingNow();
    this.#ws.close(code, reason);
  }

  /**
   * Closes when the operations that run are answered, and not before the end of the turn: its other sockets may end in
   * the same one, each with a last signal.
   */
  closeSoon(code: number, reason: string): void {
    this.#farewell ??= { code, reason };
    setImmediate(() => this.#leave());
  }

  /** No operation runs. */
  get isIdle(): boolean {
    return this.#running === 0;
  }

  #leave(): void {
    if (this.#farewell && this.isIdle) this.close(this.#farewell.code, this.#farewell.reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }

  /** It takes its bytes too slowly. */
  slow(): void {
    for (const door of this.doors) door.slow();
    this.terminate();
  }

  owe(): void {
    this.#alive = false;
    this.outbox.oweSign();
  }

  ping(): void {
    this.#late = !this.greeted;
    // Signals of a large hub may have taken it with them.
    if (this.outbox.takeSigned()) return;
    this.#alive = false;
    if (!this.outbox.writeNow(pingFrame)) this.#ws.ping();
  }

  /**
   * Answers a Ping. While the client does not take what there is, only the last one is answered, and later: so it is
   * allowed (RFC 6455, section 5.5.3), and answers do not pile up behind one that asks and does not read.
   */
  pinged(data: Buffer): void {
    if (this.#question) this.#question = data;
    else if (this.#tcp.writableLength < this.#tcp.writableHighWaterMark) this.#ws.pong(data);
    else {
      this.#question = data;
      this.#tcp.once('drain', () => this.#answer());
    }
  }

  #answer(): void {
    if (this.#question && this.#ws.readyState === this.#ws.OPEN) this.#ws.pong(this.#question);
    this.#question = undefined;
  }

  pong(): void {
    this.#alive = true;
  }

  expectPong(): void {
    if (this.#late && !this.greeted)
      this.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    else if (!this.#alive && !this.outbox.owesSign) this.#ws.terminate();
  }
}
