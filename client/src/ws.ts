import { createClient } from 'graphql-ws';
import { type GraphQLProblem, refusal, SignalingError } from './error.ts';
import type { Arrival, Ending, OpenStream } from './stream.ts';
import { after } from './timing.ts';

/** What we need of a browser's WebSocket. */
interface OpenSocket {
  send(data: string): void;
}

/** A subscription on a WebSocket of its own. The library speaks the protocol; when to come back is decided elsewhere. */
export const openWs: OpenStream = (request, { next, end }) => {
  let socket: OpenSocket | undefined;
  let { heartbeatMs } = request;
  let over = false;
  let callOffPing = (): void => {};
  let callOffDeadline = (): void => {};

  const client = createClient({
    url: request.url.replace(/^http/, 'ws'),
    connectionParams: { authorization: `Bearer ${request.token}` },
    retryAttempts: 0,
    // All operations of all clients have the same id: the service sends the same bytes to each.
    generateID: () => 's',
    on: {
      opened: (opened) => {
        socket = opened as OpenSocket;
      },
      connected: () => schedulePing(),
      message: () => callOffDeadline(),
    },
  });

  /** Lets go of everything; what still comes is of no interest. */
  function finish(): boolean {
    if (over) return false;
    over = true;
    callOffPing();
    callOffDeadline();
    return true;
  }

  function fail(ending: Ending): void {
    if (!finish()) return;
    client.terminate();
    end(ending);
  }

  function schedulePing(): void {
    callOffPing();
    callOffPing = after(heartbeatMs, () => {
      ping();
      schedulePing();
    });
  }

  function ping(): void {
    if (over) return;
    callOffDeadline();
    callOffDeadline = after(request.pongMs, () => fail({ kind: 'lost', code: 'SILENT' }));
    try {
      socket?.send('{"type":"ping"}');
    } catch {
      // It is closing, and says so by itself.
    }
  }

  client.subscribe<{ incomingSignal: Arrival }>(
    { query: request.query, variables: request.variables },
    {
      next: ({ data, errors }) => {
        if (over) return;
        if (data?.incomingSignal) next(data.incomingSignal);
        else fail(refused(errors as readonly GraphQLProblem[] | undefined));
      },
      error: (error) => fail(Array.isArray(error) ? refused(error) : endingOf(error)),
      complete: () => fail({ kind: 'completed' }),
    },
  );

  return {
    probe: () => socket && ping(),
    setHeartbeat: (ms) => {
      heartbeatMs = ms;
      schedulePing();
    },
    close: () => {
      if (finish()) client.terminate();
    },
  };
};

export function refused(problems: readonly GraphQLProblem[] = []): Ending {
  const error = refusal(problems);
  return error.code === 'UNAUTHENTICATED' ? { kind: 'token' } : { kind: 'refused', error };
}

/** What a close event, or an error on the way, means. */
function endingOf(event: unknown): Ending {
  const { code } = event as { code?: number };
  if (code === 4403) return { kind: 'token' };
  // These say that we, or one of our own, do something that no repetition mends.
  if (code === 4400 || code === 4406)
    return {
      kind: 'refused',
      error: new SignalingError('BAD_REQUEST', `The WebSocket was closed: ${code}.`),
    };
  return { kind: 'lost', code: code === undefined ? 'NETWORK' : `WS_${code}` };
}
