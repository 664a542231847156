import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket as Connection } from 'node:net';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import type { ClosingCode, Signal } from '../signaling/signal.ts';
import type { Signaling } from '../signaling/signaling.ts';
import type { Socket } from '../signaling/socket.ts';
import type { Door } from './context.ts';
import type { MaskError } from './errors.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Plan } from './plan.ts';
import { enter, mostUnsent } from './stream.ts';

/** What an open stream needs of its surroundings. */
export interface SseParts {
  readonly signaling: Signaling;
  readonly mask: MaskError;
  readonly heartbeat: Heartbeat;
}

/** One chunk of a chunked HTTP/1.1 body, and the part of it that is the body. */
interface Chunk {
  readonly framed: Buffer;
  readonly start: number;
  readonly end: number;
}

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Otherwise nginx holds events back until its buffer is full.
  'x-accel-buffering': 'no',
};

const comment = chunkOf(':\n\n');
const complete = chunkOf('event: complete\ndata:\n\n');
const endOfBody = Buffer.from('0\r\n\r\n');

/** Signals after which a client must not come back by itself: the stream is completed instead of broken off. */
const final: ReadonlySet<ClosingCode> = new Set(['DISCONNECTED', 'TOO_MANY_SOCKETS']);

/**
 * Serves one subscription as server-sent events (the distinct connections mode of graphql-sse). Signals bypass the HTTP
 * response: the bytes of a plan, chunk framing included, go to the connection as they are, shared by every stream.
 * The status line follows the opening, so 200 means that nothing sent from now on is missed.
 */
export async function serveSse(
  { signaling, mask, heartbeat }: SseParts,
  request: IncomingMessage,
  response: ServerResponse,
  plan: Plan,
  argsFor: (door: Door) => Promise<ExecutionArgs>,
): Promise<void> {
  const gone = new AbortController();
  let socket: Socket | undefined;
  let begun: Stream | undefined;

  /** The first bytes bring the head with them. */
  function stream(): Stream {
    begun ??= begin(request, response);
    return begun;
  }

  const beating = { ping: () => stream().write(comment) };

  response.once('close', () => {
    gone.abort();
    heartbeat.delete(beating);
    if (socket) signaling.drop(socket);
    plan.release();
  });

  const door: Door = {
    gone: gone.signal,
    opened(open) {
      socket = open;
      if (response.closed) signaling.drop(open);
      else heartbeat.add(beating);
    },
    sink: {
      write(signal) {
        const unsent = stream().write(plan.renderAs(signal, eventOf));
        if (unsent > mostUnsent && socket) signaling.close(socket, 'SLOW_CONSUMER');
      },
      end(code) {
        if (code === 'SLOW_CONSUMER') stream().destroy();
        else stream().end(final.has(code));
      },
    },
  };

  const errors = await enter(await argsFor(door), mask);
  if (errors.length > 0 && !response.closed) refuse(stream(), errors);
}

/** Errors are an event like any other, and the end of the stream. */
function refuse(stream: Stream, errors: readonly GraphQLError[]): void {
  stream.write(chunkOf(`event: next\ndata: ${JSON.stringify({ errors })}\n\n`));
  stream.end(true);
}

function eventOf(text: string, { view }: Signal): Chunk {
  return chunkOf(`event: next\n${view.cursor === null ? '' : `id: ${view.cursor}\n`}data: ${text}\n\n`);
}

function chunkOf(text: string): Chunk {
  const length = Buffer.byteLength(text);
  const head = `${length.toString(16)}\r\n`;
  return { framed: Buffer.from(`${head}${text}\r\n`), start: head.length, end: head.length + length };
}

/** The body of a response whose head was sent. */
interface Stream {
  /** Returns how many bytes wait for the reader. */
  write(chunk: Chunk): number;
  /** Ends the connection, with or without saying that the stream is complete. */
  end(completed: boolean): void;
  destroy(): void;
}

function begin(request: IncomingMessage, response: ServerResponse): Stream {
  // An HTTP/1.0 client, such as nginx in its default setting, does not know chunks.
  const chunked = request.httpVersion === '1.1';
  const connection: Connection = request.socket;
  response.writeHead(200, headers);
  response.flushHeaders();
  connection.setNoDelay(true);

  function write({ framed, start, end }: Chunk): number {
    connection.write(chunked ? framed : framed.subarray(start, end));
    return connection.writableLength;
  }

  return {
    write,
    end(completed) {
      if (completed) write(complete);
      if (completed && chunked) connection.write(endOfBody);
      // Waits for what was written, and not for the client to hang up too.
      connection.destroySoon();
    },
    destroy: () => connection.destroy(),
  };
}
