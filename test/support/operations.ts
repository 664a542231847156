import { type Answer, documents, post, verbDocuments } from './api.ts';
import { listenDocument } from './listen.ts';
import { rawWs } from './raw.ts';

/** One document for each root field of the contract, by the field's name. */
export const operations = {
  service: '{ service { name } }',
  viewer: '{ viewer { uid hubs { hubId privilege } } }',
  activeCalls: '{ activeCalls { id } }',
  call: 'query ($callId: ID!) { call(callId: $callId) { id state } }',
  callTrace: `query ($callId: ID!) {
    callTrace(callId: $callId) { call { id state } steps { at text } legs { deviceId deviceLabel state steps { at text } } }
  }`,
  iceServers: `query ($callId: ID!) {
    iceServers(callId: $callId) { urls username credential refreshAfter expiresAt }
  }`,
  callHistory: `query ($peer: ID, $first: Int, $after: String) {
    callHistory(peer: $peer, first: $first, after: $after) {
      edges { cursor node { id callId peer caller direction reason missed status startedAt acceptedAt duration hubId endedAt } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`,
  roomAccess: `query ($roomId: ID!, $uid: ID!) {
    roomAccess(roomId: $roomId, uid: $uid) { roomId uid privilege expiresAt }
  }`,
  ...documents,
  ...verbDocuments,
  presence: `query ($hubId: ID!, $uids: [ID!]!) {
    presence(hubId: $hubId, uids: $uids) { uid online connected }
  }`,
  createStreamTicket: `mutation ($deviceId: ID) {
    createStreamTicket(deviceId: $deviceId) { ticket expiresAt }
  }`,
  keepAlive: `mutation ($socketId: ID!, $nextWithinSeconds: Int) {
    keepAlive(socketId: $socketId, nextWithinSeconds: $nextWithinSeconds) { socketId nextBy }
  }`,
  refreshSession: `mutation ($token: String!, $deviceId: ID) {
    refreshSession(token: $token, deviceId: $deviceId) { uid expiresAt }
  }`,
  grantHub: `mutation ($hubId: ID!, $uid: ID!, $privilege: Permission!, $expiresAt: DateTime) {
    grantHub(hubId: $hubId, uid: $uid, privilege: $privilege, expiresAt: $expiresAt) { hubId uid privilege expiresAt }
  }`,
  revokeHub: `mutation ($hubId: ID!, $uid: ID!) {
    revokeHub(hubId: $hubId, uid: $uid) { hubId uid voidUntil }
  }`,
  disconnectUser: `mutation ($uid: ID!, $deviceId: ID) {
    disconnectUser(uid: $uid, deviceId: $deviceId) { uid sockets }
  }`,
  incomingSignal: listenDocument,
} as const;

export type OperationName = keyof typeof operations;

/** The ways in which an operation reaches the service. A subscription has no way but the last two. */
export const channels = ['http', 'sse', 'ws'] as const;
export type Channel = (typeof channels)[number];

/** The first answer to an operation. `closed`: there was none, because the connection was closed with this code. */
export type Outcome = Pick<Answer, 'data' | 'errors'> & { readonly closed?: number };

/** Sends one operation after the other, each when the one before it was answered. */
export type Runner = (query: string, variables?: object) => Promise<Outcome>;

/** Sends an operation and resolves with its first answer. Without a token, none is sent. */
export async function run(
  channel: Channel,
  url: string,
  token: string | undefined,
  query: string,
  variables: object = {},
): Promise<Outcome> {
  const runner = await openRunner(channel, url, token);
  return runner(query, variables);
}

/** The same for many operations: those over WebSocket share a connection. */
export async function openRunner(channel: Channel, url: string, token: string | undefined): Promise<Runner> {
  switch (channel) {
    case 'http':
      return (query, variables) => post(url, token, query, variables);
    case 'sse':
      return (query, variables) => runOverSse(url, token, query, variables);
    case 'ws':
      return openWs(url, token);
  }
}

async function runOverSse(url: string, token: string | undefined, query: string, variables: object = {}) {
  const left = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    signal: left.signal,
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  let text = '';
  let outcome: Outcome | undefined;
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const [, answer] = /^event: next\n(?:id: .*\n)?(?:retry: .*\n)?data: (.*)\n\n/m.exec(text) ?? [];
    if (answer) outcome = JSON.parse(answer) as Outcome;
    // Everything but an open stream comes to its end by itself.
    if (outcome?.data?.incomingSignal) break;
  }
  left.abort();
  if (outcome) return outcome;
  throw new Error(`no answer came over SSE: ${response.status} ${text}`);
}

async function openWs(url: string, token: string | undefined): Promise<Runner> {
  const { ws, send, subscribe, next, closed } = await rawWs(url);
  send({ type: 'connection_init', ...(token && { payload: { authorization: `Bearer ${token}` } }) });
  let last = 0;

  async function answerTo(id: string): Promise<Outcome> {
    for (;;) {
      const { type, payload, id: answered } = await next();
      if (answered !== id) continue;
      if (type === 'next') return payload;
      if (type === 'error') return { data: undefined, errors: payload };
    }
  }

  return async (query, variables) => {
    const id = String(++last);
    try {
      if (last === 1) await next(); // connection_ack
      subscribe(id, query, variables);
      return await answerTo(id);
    } catch (error) {
      if (ws.readyState === ws.OPEN) throw error;
      return { data: undefined, errors: undefined, closed: (await closed).code };
    }
  };
}
