import { createServer } from 'node:http';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLScalarType } from 'graphql';
import { RedisPubSub } from 'graphql-redis-subscriptions';
import { withFilter } from 'graphql-subscriptions';
import { useServer } from 'graphql-ws/use/ws';
import { createYoga } from 'graphql-yoga';
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';
import { announce, type Publication, pingMs, redisUrl, signalOf } from './common.mts';

/*
 * A GraphQL stack as it is put together from its documentation: Yoga for HTTP and SSE, graphql-ws for WebSocket, and
 * graphql-redis-subscriptions with `withFilter` between them and Redis.
 */

const pubsub = new RedisPubSub({ publisher: new Redis(redisUrl), subscriber: new Redis(redisUrl) });

const typeDefs = `
  scalar JSON
  type Query { ok: Boolean! }
  type Mutation { notify(topic: String!, except: ID!, type: String!, payload: JSON!): ID! }
  type Subscription { incomingSignal(topics: [String!]!, deviceId: ID!): Signal! }
  interface Signal { id: ID! cursor: String }
  type HubNotification implements Signal { id: ID! cursor: String type: String payload: JSON }
`;

interface Arguments {
  readonly topics: string[];
  readonly deviceId: string;
}

type Sent = Publication & { readonly signal: ReturnType<typeof signalOf> };

const resolvers = {
  JSON: new GraphQLScalarType({ name: 'JSON' }),
  Query: { ok: () => true },
  Mutation: {
    async notify(_: unknown, publication: Publication) {
      const signal = signalOf(publication);
      await pubsub.publish(publication.topic, { except: publication.except, signal });
      return signal.id;
    },
  },
  Subscription: {
    incomingSignal: {
      subscribe: withFilter(
        (_: unknown, args?: Arguments) => pubsub.asyncIterableIterator(args?.topics ?? []),
        (sent: unknown, args?: Arguments) => (sent as Sent).except !== args?.deviceId,
      ),
      resolve: (sent: Sent) => sent.signal,
    },
  },
  Signal: { __resolveType: (signal: { __typename: string }) => signal.__typename },
};

const schema = makeExecutableSchema({ typeDefs, resolvers });
const yoga = createYoga({
  schema,
  logging: false,
  graphiql: false,
  landingPage: false,
  cors: false,
  maskedErrors: false,
});
const server = createServer(yoga);
useServer({ schema }, new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false }), pingMs);
announce(server);
