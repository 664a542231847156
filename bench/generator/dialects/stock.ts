import {
  type Dialect,
  headEnd,
  httpPost,
  type Member,
  type Outgoing,
  topicOf,
  topicsOf,
  upgrade,
} from './dialect.ts';
import { protocol, subscribeSteps } from './graphql-ws.ts';

/** The stock GraphQL stack cannot say when a subscription stands, and has no ids for sockets but the device's. */

export const stockWs: Dialect = {
  framed: true,
  hello: (_, host) => upgrade('/graphql', host, protocol),
  steps: (member) => subscribeSteps({}, subscriptionOf(member)),
  socketId: (_, { deviceId }) => deviceId,
  request: requestOf,
};

export const stockSse: Dialect = {
  framed: false,
  hello: (member, host) =>
    httpPost('/graphql', host, { accept: 'text/event-stream' }, JSON.stringify(subscriptionOf(member))),
  steps: () => [{ sees: headEnd }],
  socketId: (_, { deviceId }) => deviceId,
  request: requestOf,
};

function subscriptionOf(member: Member): object {
  const query = `subscription ($topics: [String!]!, $deviceId: ID!) {
  incomingSignal(topics: $topics, deviceId: $deviceId) {
    __typename
    id
    cursor
    ... on HubNotification { type payload }
  }
}`;
  return { query, variables: { topics: topicsOf(member), deviceId: member.deviceId } };
}

function requestOf(signal: Outgoing, host: string): string {
  const query = `mutation ($topic: String!, $except: ID!, $type: String!, $payload: JSON!) {
  notify(topic: $topic, except: $except, type: $type, payload: $payload)
}`;
  const variables = {
    topic: topicOf(signal),
    except: signal.senderSocketId,
    type: 'bench',
    payload: JSON.parse(signal.payload),
  };
  return httpPost('/graphql', host, {}, JSON.stringify({ query, variables }));
}
