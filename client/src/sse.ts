import type { GraphQLProblem } from './error.ts';
import type { Arrival, Ending, OpenStream } from './stream.ts';
import { after } from './timing.ts';
import { refused } from './ws.ts';

/** A subscription as server-sent events, over `fetch`: an EventSource cannot send the token. */
export const openSse: OpenStream = (request, { next, end }) => {
  const leaving = new AbortController();
  let { heartbeatMs } = request;
  let over = false;
  let heardAt = 0;
  let callOffWatch = (): void => {};

  function finish(): boolean {
    if (over) return false;
    over = true;
    callOffWatch();
    leaving.abort();
    return true;
  }

  function fail(ending: Ending): void {
    if (finish()) end(ending);
  }

  /** Something came: the next sign of life is due. */
  function heard(): void {
    heardAt = Date.now();
    watch(2 * heartbeatMs);
  }

  function watch(ms: number): void {
    callOffWatch();
    if (!over) callOffWatch = after(ms, () => fail({ kind: 'lost', code: 'SILENT' }));
  }

  function handle(event: ServerSentEvent): void {
    if (event.name === 'complete') fail({ kind: 'completed' });
    if (over || event.name !== 'next') return;
    const result = JSON.parse(event.data) as Result;
    if (result.data?.incomingSignal) next(result.data.incomingSignal);
    else fail(refused(result.errors));
  }

  async function run(): Promise<void> {
    const response = await fetch(request.url, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${request.token}`,
      },
      body: JSON.stringify({ query: request.query, variables: request.variables }),
      cache: 'no-store',
      signal: leaving.signal,
    });
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    if (!response.ok || !isStream || !response.body)
      return fail({ kind: 'lost', code: `HTTP_${response.status}` });
    heard();
    const reader = response.body.getReader();
    const parse = eventParser(handle);
    const decoder = new TextDecoder();
    while (!over) {
      const { done, value } = await reader.read();
      if (done) break;
      heard();
      parse(decoder.decode(value, { stream: true }));
    }
    fail({ kind: 'lost', code: 'BROKEN_OFF' });
  }

  run().catch(() => fail({ kind: 'lost', code: 'NETWORK' }));

  return {
    // Nobody can be asked over SSE: a stream that was quiet for longer than it may be is given up.
    probe: () => {
      if (heardAt > 0) watch(Math.max(0, 1.5 * heartbeatMs - (Date.now() - heardAt)));
    },
    setHeartbeat: (ms) => {
      heartbeatMs = ms;
      heard();
    },
    close: () => void finish(),
  };
};

interface Result {
  readonly data?: { readonly incomingSignal?: Arrival } | null;
  readonly errors?: readonly GraphQLProblem[];
}

interface ServerSentEvent {
  readonly name: string;
  readonly data: string;
}

/** Takes the text of a stream piece by piece, and hands out its events. */
function eventParser(handle: (event: ServerSentEvent) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    // A line that is not finished must not be read twice for each piece of it: it may be a megabyte long.
    if (!text.includes('\n')) {
      rest += text;
      return;
    }
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = { name: '', data: '' };
      for (const line of block.split('\n')) {
        if (line.startsWith('event:')) event.name = line.slice(6).trim();
        else if (line.startsWith('data:')) event.data += line.slice(5);
      }
      handle(event);
    }
  };
}
