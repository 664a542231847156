import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket as Connection } from 'node:net';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import { mayComeBack } from '../signaling/closing.ts';
import type { Batch, ClosingCode, Signal, SignalView } from '../signaling/signal.ts';
import type { Signaling } from '../signaling/signaling.ts';
import type { Sink, Socket } from '../signaling/socket.ts';
import { bodyPacking, type Chunk, chunkOf, framedPacking, joinChunks, lastChunk } from './chunk.ts';
import type { Door } from './context.ts';
import type { MaskError } from './errors.ts';
import type { Beating, Heartbeat } from './heartbeat.ts';
import { Outbox, pieceBytes } from './outbox.ts';
import type { Plan } from './plan.ts';
import { noResume, type Resume } from './resume.ts';
import type { SlowReaders } from './slow-readers.ts';
import { enter } from './stream.ts';

/** What an open stream needs of its surroundings. */
export interface SseParts {
  readonly signaling: Signaling;
  readonly mask: MaskError;
  readonly heartbeat: Heartbeat;
  readonly slowReaders: SlowReaders;
}

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Otherwise nginx holds events back until its buffer is full.
  'x-accel-buffering': 'no',
};

const comment = chunkOf(':\n\n');
const complete = chunkOf('event: complete\ndata:\n\n');

/** A stream is broken off after so many heartbeats, 280 to 322 s, for that is how a client is missed that has died. */
const beats = { least: 21, most: 23 };

/**
 * Serves one subscription as server-sent events (the distinct connections mode of graphql-sse). Signals bypass the HTTP
 * response: the bytes of a plan, chunk framing included, go to the connection as they are, shared by every stream.
 * The status line follows the opening, so 200 means that nothing sent from now on is missed.
 */
export async function serveSse(
  parts: SseParts,
  request: IncomingMessage,
  response: ServerResponse,
  plan: Plan,
  resume: Resume,
  argsFor: (door: Door) => Promise<ExecutionArgs>,
): Promise<void> {
  const door = new SseDoor(parts, request, response, plan, resume);
  const args = await argsFor(door);
  forget(request);
  const errors = await enter(args, parts.mask);
  if (errors.length > 0) door.refuse(errors);
}

/** Nothing, of which one is enough. */
const forgotten = { headers: {}, rawHeaders: [], body: undefined };

/** A stream lasts for hours, and with it the request: lets go of what was read from it, most of it text. */
function forget(request: IncomingMessage): void {
  Object.assign(request, forgotten);
}

/** One stream: the door it is opened through, and the sink of its signals. */
class SseDoor implements Door, Sink, Beating {
  slot: Set<Beating> | undefined;
  resume: Resume;
  readonly #parts: SseParts;
  readonly #response: ServerResponse;
  readonly #connection: Connection;
  readonly #plan: Plan;
  readonly #outbox: Outbox<Chunk>;
  /** An HTTP/1.0 client, such as nginx in its default setting, does not know chunks. */
  readonly #chunked: boolean;
  #socket: Socket | undefined;
  #beatsLeft = beats.least + Math.floor(Math.random() * (beats.most - beats.least + 1));

  constructor(
    parts: SseParts,
    request: IncomingMessage,
    response: ServerResponse,
    plan: Plan,
    resume: Resume,
  ) {
    this.resume = resume;
    this.#parts = parts;
    this.#response = response;
    this.#connection = request.socket;
    this.#plan = plan;
    this.#chunked = request.httpVersion === '1.1';
    this.#outbox = new Outbox(
      request.socket,
      this.#chunked ? framedPacking : bodyPacking,
      parts.slowReaders,
      this,
    );
    response.on('close', () => this.#leave());
  }

  get sink(): Sink {
    return this;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    this.resume = noResume;
    if (this.gone) this.#parts.signaling.drop(socket);
    // What it was sent while it opened may have ended it.
    else if (!socket.closed) this.#parts.heartbeat.add(this);
  }

  get gone(): boolean {
    return this.#response.closed;
  }

  get isClear(): boolean {
    return this.#outbox.isClear;
  }

  write(signal: Signal): void {
    this.#push(this.#plan.renderAs(signal, eventOf));
  }

  writeNow(batch: Batch): void {
    const bytes = this.#chunked ? this.#plan.renderAll(batch, eventOf, joinPiece) : null;
    if (bytes && this.#outbox.writeNow(bytes)) return;
    for (const signal of batch.signals) this.write(signal);
  }

  end(code: ClosingCode): void {
    if (code === 'SLOW_CONSUMER') this.cut();
    else this.#finish(!mayComeBack(code));
  }

  owe(): void {
    this.#outbox.oweSign();
  }

  ping(): void {
    const isSent = this.#outbox.takeSigned();
    if (--this.#beatsLeft > 0 || !this.#socket) {
      if (!isSent) this.#comment();
    } else this.#parts.signaling.close(this.#socket, 'ROTATION');
  }

  #comment(): void {
    const bytes = this.#chunked ? comment.framed : comment.body;
    if (!this.#response.headersSent || !this.#outbox.writeNow(bytes)) this.#push(comment);
  }

  slow(): void {
    if (this.#socket) this.#parts.signaling.close(this.#socket, 'SLOW_CONSUMER');
    this.cut();
  }

  cut(): void {
    this.#connection.destroy();
  }

  /** Errors are an event like any other, and the end of the stream. */
  refuse(errors: readonly GraphQLError[]): void {
    if (this.gone) return;
    this.#push(chunkOf(`event: next\ndata: ${JSON.stringify({ errors })}\n\n`));
    this.#finish(true);
  }

  /** The first bytes bring the head with them. */
  #push(chunk: Chunk): void {
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, headers).flushHeaders();
      this.#connection.setNoDelay(true);
    }
    this.#outbox.signed();
    this.#outbox.push(chunk);
  }

  /** Ends the connection, with or without saying that the stream is complete. */
  #finish(completed: boolean): void {
    // A slow reader's last bytes may be on their way for long: nothing follows them.
    this.#parts.heartbeat.delete(this);
    if (completed) this.#push(complete);
    this.#outbox.empty();
    if (completed && this.#chunked) this.#connection.write(lastChunk);
    // Waits for what was written, and not for the client to hang up too.
    this.#connection.destroySoon();
  }

  #leave(): void {
    this.#parts.heartbeat.delete(this);
    if (this.#socket) this.#parts.signaling.drop(this.#socket);
    this.#plan.release();
  }
}

/** Null for more than is given to a connection at once. */
function joinPiece(chunks: readonly Chunk[]): Buffer | null {
  const length = chunks.reduce((sum, { framed }) => sum + framed.length, 0);
  return length <= pieceBytes ? joinChunks(chunks) : null;
}

/** When an `EventSource` comes back after a stream that broke off without a word, in milliseconds. */
const comeBackMs = 1000;

function eventOf(text: string, { view }: Signal): Chunk {
  const id = view.cursor === null ? '' : `id: ${view.cursor}\n`;
  return chunkOf(`event: next\n${id}${retryOf(view)}data: ${text}\n\n`);
}

/** Said with the first signal, and with the last one, which may name another time. */
function retryOf({ kind, retryAfterMs }: SignalView): string {
  if (kind === 'SocketReady') return `retry: ${comeBackMs}\n`;
  return kind === 'SocketClosing' && typeof retryAfterMs === 'number' ? `retry: ${retryAfterMs}\n` : '';
}
