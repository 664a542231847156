import { type GraphQLProblem, refusal, SignalingError } from './error.ts';
import type { Settings } from './options.ts';
import { after, backOff, pause } from './timing.ts';
import type { TokenSource } from './token.ts';

/** How long one try of a request may take: a connection that died may not say so. */
const tryMs = 5_000;

const retry = { firstMs: 200, mostMs: 2_000 };

/** What is refused so often for its token is not refused for its token's age. */
const mostRejections = 2;

export interface RequestOptions {
  readonly timeoutMs?: number | undefined;
  /** To be sent even when the page goes away. Small requests only. */
  readonly isLastWord?: boolean;
  /** Ends the waiting between two tries. */
  readonly signal?: AbortSignal;
}

/** Operations over HTTP: they work while the stream is away, and wherever `fetch` does. */
export class Api {
  readonly #settings: Settings;
  readonly #token: TokenSource;

  constructor(settings: Settings, token: TokenSource) {
    this.#settings = settings;
    this.#token = token;
  }

  /**
   * Sends an operation that may be repeated, until it is answered or its time is over. Throws the refusal; TIMEOUT or
   * NETWORK when it is not known whether it happened.
   */
  async request<Data>(query: string, variables: object, options: RequestOptions = {}): Promise<Data> {
    const deadline = Date.now() + (options.timeoutMs ?? this.#settings.timeoutMs);
    let rejections = 0;
    for (let failures = 0; ; failures++) {
      const left = deadline - Date.now();
      try {
        return await this.#try<Data>(
          { query, variables },
          Math.min(left, tryMs),
          options.isLastWord ?? false,
        );
      } catch (caught) {
        const error = caught as SignalingError;
        const isStale = error.code === 'UNAUTHENTICATED' && ++rejections < mostRejections;
        if (!error.retryable && !isStale) throw error;
        const wait = isStale ? 0 : Math.max(error.retryAfterMs ?? 0, backOff(failures, retry));
        if (Date.now() + wait >= deadline || options.signal?.aborted) throw error;
        await pause(wait, options.signal);
      }
    }
  }

  async #try<Data>(body: object, ms: number, keepalive: boolean): Promise<Data> {
    const abort = new AbortController();
    const callOff = after(Math.max(ms, 1), () => abort.abort());
    const token = await this.#token.get();
    try {
      const response = await fetch(this.#settings.url, {
        method: 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
        },
        body: JSON.stringify(body),
        signal: abort.signal,
        keepalive,
      });
      const answer = (await response.json()) as { data?: Data | null; errors?: readonly GraphQLProblem[] };
      if (answer.errors?.length) throw refusal(answer.errors);
      if (!answer.data) throw new Error(`HTTP ${response.status}`);
      return answer.data;
    } catch (cause) {
      if (cause instanceof SignalingError) {
        if (cause.code === 'UNAUTHENTICATED') await this.#token.reject(token);
        throw cause;
      }
      // Broken off, or answered by something that is not the service.
      const [code, text] = abort.signal.aborted
        ? ['TIMEOUT', 'No answer came in time.']
        : ['NETWORK', `${cause}`];
      throw new SignalingError(code as string, text as string, { retryable: true, cause });
    } finally {
      callOff();
    }
  }
}
