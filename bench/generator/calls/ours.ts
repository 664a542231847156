import type { Member } from '../dialects/dialect.ts';
import { httpPost } from '../dialects/dialect.ts';
import { bearer, overSse, overWs } from '../dialects/ours.ts';
import type { CallDialect, Heard, Message, Saying, Word } from './dialect.ts';
import { payloadOf } from './payloads.ts';

/** Mutations on the WebSocket that the signals come on, as graphql-ws clients send them. */
export const oursWs: CallDialect = {
  sockets: overWs(subscriptionOf),
  onSocket: (id, saying) => JSON.stringify({ id, type: 'subscribe', payload: requestOf(saying) }),
  understand,
  isRefusal,
  tellsLog: false,
};

/** Mutations over HTTP, beside a stream of events. */
export const oursSse: CallDialect = {
  sockets: overSse(subscriptionOf),
  overHttp: (saying, host) =>
    httpPost(
      '/graphql',
      host,
      { authorization: bearer(saying.from.member) },
      JSON.stringify(requestOf(saying)),
    ),
  understand,
  isRefusal,
  tellsLog: false,
};

/** What an application looks at that knows calls. It ends with the socket's id, which says when the socket is open. */
function subscriptionOf({ deviceId }: Member): object {
  const query = `subscription ($deviceId: ID) {
  incomingSignal(deviceId: $deviceId) {
    __typename
    id
    cursor
    ... on IncomingCall { origin { uid fullname } name roomId roomType ring remainingMs payload call { id rev state } }
    ... on CallUpdated { change origin { uid socketId } remainingMs call { id rev state reason } }
    ... on PeerMessage { type callId generation origin { uid socketId } payload }
    ... on CallLogged { record { id peer direction reason missed startedAt duration } }
    ... on SocketReady { socketId }
  }
}`;
  return { query, variables: { deviceId } };
}

const call = 'call { id rev state reason }';
const message = `mutation ($hubId: ID!, $input: MessageInput!) {
  message(hubId: $hubId, input: $input) { signalId offline held }
}`;

const queries: Record<Exclude<Word, 'log'>, string> = {
  dial: `mutation ($hubId: ID!, $input: DialInput!) {
  dial(hubId: $hubId, input: $input) { signalId offline polite call { id rev state expiresAt } }
}`,
  ring: `mutation ($callId: ID!, $socketId: ID!) {
  acknowledgeRing(callId: $callId, socketId: $socketId) { changed ${call} }
}`,
  accept: `mutation ($callId: ID!, $socketId: ID!) {
  accept(callId: $callId, socketId: $socketId) {
    __typename
    ... on Accepted { polite iceServers { urls username credential } ${call} }
    ... on AnsweredElsewhere { device { deviceId deviceLabel } ${call} }
    ... on CallEnded { ${call} }
  }
}`,
  offer: message,
  answer: message,
  candidate: message,
  hangUp: `mutation ($callId: ID!, $socketId: ID) {
  hangUp(callId: $callId, socketId: $socketId) { changed ${call} }
}`,
};

function requestOf(saying: Saying): object {
  if (saying.word === 'log') throw new Error('The service writes the log by itself.');
  return { query: queries[saying.word], variables: variablesOf(saying) };
}

function variablesOf({ word, from, to, callId, roomId }: Saying): object {
  const { hubId, deviceId } = from.member;
  const payload = payloadOf(word);
  switch (word) {
    case 'dial':
      return {
        hubId,
        input: { target: { uid: to.member.uid }, roomId, roomType: 'video', deviceId, payload },
      };
    case 'offer':
    case 'answer':
    case 'candidate': {
      const [origin, target] = [{ socketId: from.socketId }, { socketId: to.socketId }];
      return { hubId, input: { target, origin, type: word, callId, generation: 0, payload } };
    }
    default:
      return { callId, socketId: from.socketId };
  }
}

interface Received {
  readonly id?: string;
  readonly type?: string;
  readonly payload?: { readonly data?: { readonly incomingSignal?: Received } };
  readonly data?: { readonly incomingSignal?: Signal };
}

interface Signal {
  readonly __typename: string;
  readonly change?: string;
  readonly type?: string;
  readonly origin?: { readonly socketId?: string };
  readonly call?: { readonly id: string };
}

/** A message of graphql-ws, or the data of an event. */
function understand(text: string): Message | undefined {
  const received = JSON.parse(text) as Received;
  const { incomingSignal } = (received.payload ?? received).data ?? {};
  if (incomingSignal) {
    const heard = heardOf(incomingSignal as Signal);
    return heard && { heard };
  }
  // An operation that was answered is completed too, in a message of its own.
  return received.type === 'next' || received.type === 'error' ? { answers: received.id ?? '' } : undefined;
}

function heardOf({ __typename, change, type, origin, call: of }: Signal): Heard | undefined {
  switch (__typename) {
    case 'IncomingCall':
      return { what: 'ring', callId: of?.id ?? '' };
    case 'CallUpdated':
      if (change === 'ACCEPTED') return { what: 'accepted', socketId: origin?.socketId ?? '' };
      return { what: change === 'ENDED' ? 'ended' : 'alerting' };
    case 'PeerMessage':
      return { what: type as 'offer' | 'answer' | 'candidate' };
    case 'CallLogged':
      return { what: 'logged' };
    default:
      return undefined;
  }
}

function isRefusal(answer: string): boolean {
  return /"errors":|"type":"error"|"offline":true|"changed":false|"AnsweredElsewhere"|"CallEnded"/.test(
    answer,
  );
}
