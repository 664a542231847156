import type { GraphQLSchema } from 'graphql';
import { createLRUCache, createYoga, type Plugin } from 'graphql-yoga';
import { bearerToken } from './auth.ts';
import { type ContextParts, createContext } from './context.ts';
import { documentLimits } from './document-limits.ts';
import type { MaskError } from './errors.ts';

/** How many documents stay parsed of the requests that go through Yoga, few of which do: see operation.ts. */
const cachedDocuments = 10;

export type Yoga = ReturnType<typeof createGraphQLServer>;

/**
 * The GraphQL server for everything but the live stream and plain requests, which use its parser and its rules: see
 * operation.ts.
 */
export function createGraphQLServer(schema: GraphQLSchema, parts: ContextParts, mask: MaskError) {
  return createYoga({
    schema,
    graphqlEndpoint: '/graphql',
    context: ({ request }) => createContext(parts, bearerToken(request.headers.get('authorization'))),
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
