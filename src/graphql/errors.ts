import { GraphQLError } from 'graphql';
import { errorCodes, SignalingError } from '../signaling/errors.ts';
import type { Log } from '../signaling/log.ts';

/** Turns whatever was thrown while an operation ran into what its client may see. */
export type MaskError = (error: unknown) => GraphQLError;

/**
 * The one place where refusals become GraphQL errors: `extensions` gets `code`, `retryable`, and `field` and
 * `retryAfterMs` where they are known. Errors of GraphQL itself (syntax, validation, coercion) are the client's own
 * and pass. Everything else is a defect of ours: logged here, and not shown.
 */
export function createMaskError(log: Log): MaskError {
  return (error) => {
    const cause = originalOf(error);
    if (cause instanceof SignalingError) return refusal(cause, error);
    if (error instanceof GraphQLError && cause === undefined) return withCode(error);
    log.error({ error: cause ?? error }, 'an operation failed unexpectedly');
    return located('Something went wrong on our side.', error, {
      code: 'INTERNAL_SERVER_ERROR',
      retryable: false,
    });
  };
}

/** What was thrown behind a GraphQL error; undefined when GraphQL itself raised it. */
function originalOf(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error;
  return error.originalError instanceof GraphQLError ? originalOf(error.originalError) : error.originalError;
}

function refusal(refused: SignalingError, error: unknown): GraphQLError {
  const { code, field, retryAfterMs } = refused;
  return located(refused.message, error, { code, ...errorCodes[code], field, retryAfterMs });
}

/** Errors of GraphQL itself say what kind they are too; a value that does not fit its type is bad input. */
function withCode(error: GraphQLError): GraphQLError {
  const field = misfit(error);
  const isInput = error.path !== undefined || field !== undefined;
  const code = isInput ? 'BAD_USER_INPUT' : documentFault(error);
  return located(error.message, error, { code, retryable: false, field, ...error.extensions });
}

/** Yoga names these two itself; over a WebSocket, where it does not take part, they are called the same. */
function documentFault({ message }: GraphQLError): string {
  return message.startsWith('Syntax Error:') ? 'GRAPHQL_PARSE_FAILED' : 'GRAPHQL_VALIDATION_FAILED';
}

/** How graphql-js says that a variable does not fit its type: the variable, and the place in it unless it is all of it. */
const misfits =
  /^Variable "\$(\w+)" (?:got invalid value (?:.*? at "([\w.[\]]+)"; )?|of required type .* was not provided|of non-null type .* must not be null)/s;

/** The place in the variables that does not fit its type; undefined for every other error. */
function misfit({ message }: GraphQLError): string | undefined {
  const [, variable, place] = misfits.exec(message) ?? [];
  return place ?? variable;
}

/** An error as it goes over a transport that has no HTTP status to take from it. */
export function withoutStatus(error: GraphQLError): GraphQLError {
  const { http: _, ...extensions } = error.extensions;
  return located(error.message, error, extensions);
}

function located(message: string, error: unknown, extensions: Record<string, unknown>): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(message, { extensions });
  const { nodes = null, path = null, source, positions } = error;
  return new GraphQLError(message, { nodes, path, source, positions, extensions });
}
