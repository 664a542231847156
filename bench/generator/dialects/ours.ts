import { tokenFor } from '../../token.ts';
import {
  type Dialect,
  httpPost,
  type Member,
  type Outgoing,
  type Step,
  upgrade,
  writtenSocketId,
} from './dialect.ts';
import { protocol, subscribeSteps } from './graphql-ws.ts';

/** The last step of both transports: the service says itself when nothing can be missed any more. */
const ready: Step = { sees: '"SocketReady"' };

/** What a member subscribes with: a query, with its variables. */
type Subscribe = (member: Member) => object;

export function overWs(subscriptionOf: Subscribe): Dialect {
  return {
    framed: true,
    hello: (_, host) => upgrade('/graphql', host, protocol),
    steps: (member) => [
      ...subscribeSteps({ authorization: bearer(member) }, subscriptionOf(member)),
      ready,
      socketIdEnds,
    ],
    socketId: writtenSocketId,
    request: requestOf,
  };
}

export function overSse(subscriptionOf: Subscribe): Dialect {
  return {
    framed: false,
    hello: (member, host) => {
      const headers = { accept: 'text/event-stream', authorization: bearer(member) };
      return httpPost('/graphql', host, headers, JSON.stringify(subscriptionOf(member)));
    },
    steps: () => [ready, socketIdEnds],
    socketId: writtenSocketId,
    request: requestOf,
  };
}

/** The selection ends with the socket's id: it is whole when the braces after it have come. */
const socketIdEnds: Step = { sees: '"}}' };

/** The usual fields. An alias of its own makes each document another one, with other bytes for each signal. */
function subscriptionOf({ deviceId, operation }: Member): object {
  const kind = operation === 0 ? 'type' : `kind${operation}: type`;
  const query = `subscription ($deviceId: ID) {
  incomingSignal(deviceId: $deviceId) {
    __typename
    id
    cursor
    ... on HubNotification { ${kind} payload }
    ... on IncomingCall { name roomId payload }
    ... on SocketReady { socketId }
  }
}`;
  return { query, variables: { deviceId } };
}

function requestOf({ to, sender, senderSocketId, payload }: Outgoing, host: string): string {
  const body =
    'hubId' in to ? notify(to.hubId, senderSocketId, payload) : dial(sender.hubId, to.uid, payload);
  return httpPost('/graphql', host, { authorization: bearer(sender) }, body);
}

function notify(hubId: string, socketId: string, payload: string): string {
  const query =
    'mutation ($hubId: ID!, $input: NotifyInput!) { notify(hubId: $hubId, input: $input) { signalId } }';
  const input = { recipients: [hubId], socketId, type: 'bench', payload: JSON.parse(payload) };
  return JSON.stringify({ query, variables: { hubId, input } });
}

function dial(hubId: string, uid: string, payload: string): string {
  const query =
    'mutation ($hubId: ID!, $input: DialInput!) { dial(hubId: $hubId, input: $input) { signalId offline } }';
  const room = { roomId: `room-${uid}`, roomType: 'video', ringTimeoutSeconds: 10 };
  const input = { target: { uid }, ...room, payload: JSON.parse(payload) };
  return JSON.stringify({ query, variables: { hubId, input } });
}

export const oursWs = overWs(subscriptionOf);
export const oursSse = overSse(subscriptionOf);

const tokens = new Map<string, string>();

export function bearer({ uid, hubId }: Member): string {
  const key = `${uid} ${hubId}`;
  const token = tokens.get(key) ?? tokenFor(uid, hubId);
  tokens.set(key, token);
  return `Bearer ${token}`;
}
