import { SignalingError } from './error.ts';
import { within } from './timing.ts';

export type GetToken = (why: { rejected: boolean }) => string | Promise<string>;

/** How long a token may take to come, in milliseconds. */
const timeoutMs = 10_000;

/** The token in use: asked for once, and again when it was rejected. */
export class TokenSource {
  readonly #getToken: GetToken;
  #current: Promise<string> | undefined;
  #rejected = false;
  #uid: string | null = null;

  constructor(getToken: GetToken) {
    this.#getToken = getToken;
  }

  /** Whom the last token speaks for. */
  get uid(): string | null {
    return this.#uid;
  }

  get(): Promise<string> {
    if (this.#current !== undefined) return this.#current;
    const asked = this.#ask();
    this.#current = asked;
    asked.catch(() => {
      if (this.#current === asked) this.#current = undefined;
    });
    return asked;
  }

  /** The service did not accept this token: the next one is a new one. */
  async reject(token: string): Promise<void> {
    const current = this.#current;
    if ((await current?.catch(() => undefined)) !== token || this.#current !== current) return;
    this.#current = undefined;
    this.#rejected = true;
  }

  async #ask(): Promise<string> {
    try {
      const asked = Promise.resolve(this.#getToken({ rejected: this.#rejected }));
      const token = await within(timeoutMs, asked, () => new Error('it took too long'));
      this.#rejected = false;
      this.#uid = subjectOf(token);
      return token;
    } catch (cause) {
      throw new SignalingError('NETWORK', `No token could be had: ${cause}`, { retryable: true, cause });
    }
  }
}

/** The `sub` of a JWT; null where it is none. It is not verified: that is the service's part. */
function subjectOf(token: string): string | null {
  try {
    const [, claims = ''] = token.split('.');
    const { sub } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))) as { sub?: string };
    return sub ?? null;
  } catch {
    return null;
  }
}
