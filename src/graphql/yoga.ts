import type { GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { bearerToken } from './auth.ts';
import { type ContextParts, createContext, type Door } from './context.ts';
import type { MaskError } from './errors.ts';

/** What a transport of our own brings to an operation; plain HTTP requests bring their `request` instead. */
export interface ServerContext {
  readonly token?: string | undefined;
  readonly door?: Door;
}

export type Yoga = ReturnType<typeof createGraphQLServer>;

/**
 * The GraphQL server for everything but the live stream. The stream's doors use its parser, its validation and its
 * context (`getEnveloped`), so that an operation means the same on every transport.
 */
export function createGraphQLServer(schema: GraphQLSchema, parts: ContextParts, mask: MaskError) {
  return createYoga<ServerContext>({
    schema,
    graphqlEndpoint: '/graphql',
    context: ({ request, token, door }) =>
      // Without a request it is an operation on a WebSocket.
      createContext(parts, token ?? bearerToken(request?.headers.get('authorization')), door),
    maskedErrors: { maskError: (error) => mask(error) },
    plugins: [validationErrors(mask)],
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
