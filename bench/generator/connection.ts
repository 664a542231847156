import { connect, type Socket } from 'node:net';
import { type Dialect, headEnd, type Member, type Step } from './dialects/dialect.ts';
import { FrameReader, opcodes, pongFrame, textFrame } from './frames.ts';
import { MarkReader } from './mark.ts';
import type { Meter } from './meter.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** One of 127.0.0.x, where one address has too few ports. */
  readonly localAddress?: string;
}

/** One TCP connection with one socket on it. All of them read into one buffer: nothing of it is kept. */
const shared = Buffer.allocUnsafeSlow(256 * 1024);

export class Connection {
  socketId = '';
  ended = false;
  private readonly socket: Socket;
  private readonly dialect: Dialect;
  private readonly member: Member;
  private readonly meter: Meter;
  /** Takes what comes instead of looking for marks in it. */
  private readonly hear: ((bytes: Buffer) => void) | undefined;
  private readonly frames = new FrameReader();
  private readonly marks = new MarkReader();
  private readonly opening = Promise.withResolvers<void>();
  private steps: readonly Step[];
  /** Everything that has come until the socket was open. */
  private seen = '';
  /** How much of it the steps have used up. */
  private from = 0;
  /** Whether the bytes are frames by now. */
  private framed = false;

  /** `hear` is given bytes that are only good until it returns. */
  constructor(
    endpoint: Endpoint,
    dialect: Dialect,
    member: Member,
    meter: Meter,
    hear?: (bytes: Buffer) => void,
  ) {
    this.dialect = dialect;
    this.member = member;
    this.meter = meter;
    this.hear = hear;
    this.steps = dialect.steps(member);
    // Whoever waits for it is told; nobody has to wait.
    this.opening.promise.catch(() => {});
    this.socket = connect({
      ...endpoint,
      noDelay: true,
      onread: { buffer: shared, callback: (size) => this.read(shared.subarray(0, size)) },
    });
    this.socket.write(dialect.hello(member, `${endpoint.host}:${endpoint.port}`));
    this.socket.on('error', () => {});
    this.socket.once('close', () => this.close());
  }

  /** Resolves when the socket is open. */
  get open(): Promise<void> {
    return this.opening.promise;
  }

  /** Sends a message on the open WebSocket. */
  say(text: string): void {
    this.socket.write(textFrame(text));
  }

  /** Ends the connection without a word. */
  end(): void {
    this.socket.destroy();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  private close(): void {
    this.ended = true;
    this.opening.reject(new Error(`A connection was closed before it was open: ${this.seen.slice(-400)}`));
  }

  private read(chunk: Buffer): boolean {
    this.meter.take(chunk.length);
    const body = this.steps.length > 0 ? this.greet(chunk) : chunk;
    if (this.framed) this.frames.read(body, this.frame);
    if (this.hear) this.hear(body);
    else this.marks.read(body, this.deliver);
    return true;
  }

  private readonly deliver = (timeUs: number): void => this.meter.deliver(timeUs);

  private readonly frame = (opcode: number, length: number): void => {
    if (opcode === opcodes.ping) this.socket.write(pongFrame);
    const { heartbeat } = this.dialect;
    if (heartbeat && opcode === opcodes.text && length === heartbeat.length) this.say(heartbeat.answer);
  };

  /** Takes the steps that the bytes allow. Returns those of them that may be frames. */
  private greet(chunk: Buffer): Buffer {
    const before = this.seen.length;
    this.seen += chunk.toString('latin1');
    const body = this.afterHead(chunk, before);
    for (let step = this.steps[0]; step; step = this.steps[0]) {
      const at = this.seen.indexOf(step.sees, this.from);
      if (at === -1) return body;
      this.from = at + step.sees.length;
      this.steps = this.steps.slice(1);
      if (step.says !== undefined) this.say(step.says);
    }
    this.socketId = this.dialect.socketId(this.seen, this.member);
    this.seen = '';
    this.opening.resolve();
    return body;
  }

  private afterHead(chunk: Buffer, before: number): Buffer {
    if (!this.dialect.framed || this.framed) return chunk;
    const end = this.seen.indexOf(headEnd);
    this.framed = end !== -1;
    return this.framed ? chunk.subarray(end + headEnd.length - before) : chunk.subarray(0, 0);
  }
}
