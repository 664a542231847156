import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationTypeNode,
} from 'graphql';
import { createLRUCache } from 'graphql-yoga';
import { bearerToken } from './auth.ts';
import { type Context, type ContextParts, createContext, type Transport } from './context.ts';
import type { MaskError } from './errors.ts';
import type { Params } from './request.ts';
import type { Yoga } from './yoga.ts';

/** An operation that was looked at, by the parser and the rules that are the same on every transport. */
export interface Prepared {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  /** What is wrong with the document. */
  readonly errors: readonly GraphQLError[];
  /** Undefined when it is not clear which of the document's operations is meant. */
  readonly kind: OperationTypeNode | undefined;
}

/** How many documents stay parsed. With the limits on each, and the largest body for a text, about 50 MiB at most. */
const cachedDocuments = 100;

/** What does not depend on which of a document's operations is meant. */
type Looked = Pick<Prepared, 'document' | 'errors'>;

/** What our own transports do before they run an operation; it means the same on each, and through Yoga. */
export interface Operations {
  /** Throws for a text that is no document. */
  prepare(params: Params): Prepared;
  contextOf(token: string | undefined, transport?: Transport): Promise<Context>;
}

export function createOperations(yoga: Yoga, parts: ContextParts): Operations {
  // Once: neither the parser nor the rules depend on who asks, and to make them anew for each request costs more than they do.
  const { parse, validate, schema } = yoga.getEnveloped({});
  // Yoga remembers them too, but goes through its plugins first.
  const known = createLRUCache<Looked>({ max: cachedDocuments });

  function look(query: string): Looked {
    const document = parse(query) as DocumentNode;
    const looked = { document, errors: validate(schema, document) as readonly GraphQLError[] };
    known.set(query, looked);
    return looked;
  }

  return {
    prepare({ query, operationName }) {
      const { document, errors } = known.get(query) ?? look(query);
      const kind = getOperationAST(document, operationName)?.operation;
      return { schema, document, errors, kind };
    },
    contextOf: createContext.bind(null, parts),
  };
}

/** Undefined for whatever cannot be run, which Yoga is left to refuse. */
export function prepareRunnable({ prepare }: Operations, params: Params): Prepared | undefined {
  try {
    const prepared = prepare(params);
    return prepared.errors.length === 0 && prepared.kind ? prepared : undefined;
  } catch {
    return undefined;
  }
}

export interface OperationParts {
  readonly operations: Operations;
  readonly mask: MaskError;
}

/**
 * Serves a query or mutation that was sent as JSON and wants JSON. Yoga would make a `Request` and a `Response` of the web
 * for it, which cost more than the rest of a mutation. False leaves everything else, and all that is wrong, to Yoga.
 */
export async function serveOperation(
  { operations, mask }: OperationParts,
  request: IncomingMessage,
  response: ServerResponse,
  params: Params,
): Promise<boolean> {
  const mediaType = answerTypeOf(request);
  if (mediaType === undefined || !isJson(request)) return false;
  const token = bearerToken(request.headers.authorization);
  const prepared = prepareRunnable(operations, params);
  if (!prepared || prepared.kind === 'subscription') return false;
  const { schema, document } = prepared;
  const result = await execute({
    schema,
    document,
    operationName: params.operationName,
    variableValues: params.variables,
    contextValue: await operations.contextOf(token),
  });
  const text = JSON.stringify(masked(result, mask));
  // Variables that do not fit their types: nothing was run.
  response.writeHead('data' in result ? 200 : 400, {
    'content-type': `${mediaType}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
  return true;
}

export function masked(result: ExecutionResult, mask: MaskError): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map(mask) } : result;
}

function isJson({ headers }: IncomingMessage): boolean {
  return (
    headers['content-encoding'] === undefined &&
    /^application\/json *(; *charset="?utf-8"? *)?$/i.test(headers['content-type'] ?? '')
  );
}

const json = 'application/json';

/** By what a client may name the media type of its answer; of those that it accepts, the first one counts. */
const answerTypes: Readonly<Record<string, string>> = {
  [json]: json,
  'application/*': json,
  '*/*': json,
  'application/graphql-response+json': 'application/graphql-response+json',
};

/** Undefined where a client wants something else, or is particular about it. */
function answerTypeOf({ headers: { accept = '*/*' } }: IncomingMessage): string | undefined {
  if (/charset|text\/event-stream/i.test(accept)) return undefined;
  const accepted = accept.split(',').map((each) => each.split(';')[0]?.trim().toLowerCase() ?? '');
  return answerTypes[accepted.find((each) => Object.hasOwn(answerTypes, each)) ?? ''];
}
