import type { GraphQLSchema } from 'graphql';
import { createLRUCache, createYoga, type Plugin } from 'graphql-yoga';
import { bearerToken } from './auth.ts';
import { type ContextParts, createContext, type Transport } from './context.ts';
import { documentLimits } from './document-limits.ts';
import type { MaskError } from './errors.ts';

/** What a transport of our own brings to an operation; plain HTTP requests bring their `request` instead. */
export interface ServerContext extends Transport {
  readonly token?: string | undefined;
}

/** How many documents stay parsed. With the limits on each, and the largest body for a text, about 50 MiB at most. */
const cachedDocuments = 100;

export type Yoga = ReturnType<typeof createGraphQLServer>;

/**
 * The GraphQL server for everything but the live stream. The stream's doors use its parser, its validation and its
 * context (`getEnveloped`), so that an operation means the same on every transport.
 */
export function createGraphQLServer(schema: GraphQLSchema, parts: ContextParts, mask: MaskError) {
  return createYoga<ServerContext>({
    schema,
    graphqlEndpoint: '/graphql',
    context: ({ request, token, ...transport }) =>
      // Without a request it is an operation on a WebSocket.
      createContext(parts, token ?? bearerToken(request?.headers.get('authorization')), transport),
    maskedErrors: { maskError: (error) => mask(error) },
    plugins: [documentLimits(parts.signaling.limits), validationErrors(mask)],
    // Counted in documents: each may be a large one.
    parserAndValidationCache: {
      documentCache: createLRUCache({ max: cachedDocuments }),
      errorCache: createLRUCache({ max: cachedDocuments }),
    },
    // http.ts does these for every route and transport alike.
    cors: false,
    graphiql: false,
    landingPage: false,
    healthCheckEndpoint: '/health',
    multipart: false,
    logging: false,
  });
}

/** Yoga masks whatever is thrown, and not what validation returns. */
function validationErrors(mask: MaskError): Plugin {
  return {
    onValidate:
      () =>
      ({ valid, result, setResult }) => {
        if (!valid) setResult((result as readonly unknown[]).map(mask));
      },
  };
}
