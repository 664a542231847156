/**
 * Every refusal the service can answer with. `retryable` says that the same request may succeed later without being
 * changed; a client may repeat it by itself. The edge copies both into `extensions`, PROTOCOL.md lists them.
 */
export const errorCodes = {
  /** No token, or one that is expired, tampered with, or meant for somebody else. */
  UNAUTHENTICATED: { retryable: false },
  /** The token is good, and does not allow this. */
  FORBIDDEN: { retryable: false },
  /** A call that does not exist, or that the caller is no party of. */
  NOT_FOUND: { retryable: false },
  /** An argument is wrong; `field` names it. */
  BAD_USER_INPUT: { retryable: false },
  /** A body, frame or JSON value is over its limit. */
  PAYLOAD_TOO_LARGE: { retryable: false },
  /** The `clientMutationId` was used with other input within five minutes. */
  IDEMPOTENCY_CONFLICT: { retryable: false },
  /** Others changed the same thing 32 times in a row while this was decided. */
  CONFLICT: { retryable: true },
  /** The store did not answer in time. It is not known whether it happened: repeat it with its clientMutationId. */
  UNAVAILABLE: { retryable: true },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** A refusal, with the argument at fault when one is. Anything else that is thrown is a defect: masked and logged. */
export class SignalingError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: { field?: string; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.code = code;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** An argument is wrong. */
export function badInput(field: string, message: string): SignalingError {
  return new SignalingError('BAD_USER_INPUT', message, { field });
}
