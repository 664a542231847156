import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';

/** The transports that every scenario of the stream runs on: `describe.each(transports)`. */
export const transports = ['sse', 'ws'] as const;
export type Transport = (typeof transports)[number];

// biome-ignore lint/suspicious/noExplicitAny: tests look into signals of every kind.
export type Received = any;

/** An open socket, as its client sees it. */
export interface Listener {
  /** The first signal. */
  readonly ready: Received;
  /** All that came so far, `ready` included. */
  readonly received: readonly Received[];
  /** The next signal that was not taken yet; waits for it, and fails loudly when none comes in 5 s. */
  next(): Promise<Received>;
  /** Takes signals until one is of this kind. */
  nextOf(typename: string): Promise<Received>;
  /** Resolves when the stream ended, with its error if it had one. */
  readonly ended: Promise<unknown>;
  /** Leaves, as a client does. */
  close(): void;
}

export interface ListenOptions {
  readonly transport?: Transport;
  readonly variables?: Record<string, unknown>;
  readonly query?: string;
}

export const listenDocument = `subscription ($deviceId: ID, $deviceLabel: String, $after: String, $kinds: [SignalKind!], $hubIds: [ID!]) {
  incomingSignal(deviceId: $deviceId, deviceLabel: $deviceLabel, after: $after, kinds: $kinds, hubIds: $hubIds) {
    __typename id cursor service sentAt hubId
    origin { uid ident firstname lastname fullname email socketId streamId }
    ... on SocketReady { socketId deviceId recovered reason hubIds heartbeatMs expiresAt calls { id state caller callee } }
    ... on SocketClosing { code reconnect retryAfterMs }
    ... on HubNotification { type payload recipients }
    ... on PeerMessage { target { socketId streamId hubId uid } scope type role duration callId generation payload }
    ... on IncomingCall { message name hub_id nid roomId roomType role expiresAt remainingMs ring waiting payload call { id state rev caller callee legs } }
    ... on CallUpdated { change expiresAt remainingMs call { id state reason rev caller callee legs alerting roomId } device { deviceId deviceLabel socketId } legs { deviceId deviceLabel state since } }
    ... on CallLogged { record { id callId peer caller direction reason missed status startedAt acceptedAt duration hubId endedAt } }
  }
}`;

/** Opens a socket with a real client and waits for its first signal. Throws when the subscription is refused. */
export async function listen(url: string, token: string, options: ListenOptions = {}): Promise<Listener> {
  const { transport = 'sse', variables = {}, query = listenDocument } = options;
  const received: Received[] = [];
  const ended = Promise.withResolvers<unknown>();
  let taken = 0;
  let wake = (): void => {};
  const sink = {
    next(result: { data?: Received; errors?: unknown }) {
      if (result.errors) ended.resolve(result.errors);
      else received.push(result.data.incomingSignal);
      wake();
    },
    error: (error: unknown) => ended.resolve(error),
    complete: () => ended.resolve(undefined),
  };
  const client = transport === 'sse' ? sseClient(url, token) : wsClient(url, token);
  client.subscribe({ query, variables }, sink);
  onTestFinished(() => void client.dispose());

  async function next(): Promise<Received> {
    if (received.length <= taken) await signalOrEnd();
    return received[taken++];
  }

  function signalOrEnd(): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error('no signal came within 5 s')), 5000);
      const settle = (act: () => void) => {
        clearTimeout(deadline);
        act();
      };
      wake = () => settle(received.length > taken ? resolve : () => {});
      void ended.promise.then((error) =>
        settle(() => reject(new Error(`the stream ended: ${JSON.stringify(error)}`))),
      );
    });
  }

  async function nextOf(typename: string): Promise<Received> {
    for (;;) {
      const signal = await next();
      if (signal.__typename === typename) return signal;
    }
  }

  const ready = await next();
  return { ready, received, next, nextOf, ended: ended.promise, close: () => void client.dispose() };
}

function sseClient(url: string, token: string) {
  return createSseClient({
    url: `${url}/graphql`,
    headers: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });
}

function wsClient(url: string, token: string) {
  return createWsClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });
}
