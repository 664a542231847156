/** One entry of `errors` in an answer of the service. */
export interface GraphQLProblem {
  readonly message: string;
  readonly extensions?: {
    readonly code?: string;
    readonly retryable?: boolean;
    readonly retryAfterMs?: number;
    readonly field?: string;
  };
}

/** Whatever goes wrong: a refusal of the service with its code, or `TIMEOUT`, `NETWORK` and `CLOSED` on the way to it. */
export class SignalingError extends Error {
  override readonly name = 'SignalingError';
  readonly code: string;
  /** The same request may succeed unchanged. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  /** The place that is at fault, for example `input.target.uid`. */
  readonly field: string | null;

  constructor(
    code: string,
    message: string,
    options: { retryable?: boolean; retryAfterMs?: number; field?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.field = options.field ?? null;
  }
}

/** The first refusal of an answer. */
export function refusal(problems: readonly GraphQLProblem[]): SignalingError {
  const [first] = problems;
  const { code = 'INTERNAL_SERVER_ERROR', ...rest } = first?.extensions ?? {};
  return new SignalingError(code, first?.message ?? 'The service refused without a word.', rest);
}
