/** An answer of the API, as a client sees it. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly data: any;
  readonly errors:
    | readonly { message: string; path?: string[]; extensions: Record<string, unknown> }[]
    | undefined;
}

/** Sends one operation over HTTP. Without a token, none is sent. */
export async function post(
  url: string,
  token: string | undefined,
  query: string,
  variables?: object,
): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as Omit<Answer, 'status'>;
  return { status: response.status, data, errors };
}

/** The data of an operation that must succeed. */
export async function data(
  url: string,
  token: string,
  query: string,
  variables?: object,
): Promise<Answer['data']> {
  const answer = await post(url, token, query, variables);
  if (answer.errors) throw new Error(`${query}\n${JSON.stringify(answer.errors, null, 2)}`);
  return answer.data;
}

const notifyDocument = `mutation ($hubId: ID!, $input: NotifyInput!) {
  notify(hubId: $hubId, input: $input) { signalId type clientMutationId input hubs { hubId sockets nodes } }
}`;
const messageDocument = `mutation ($hubId: ID!, $input: MessageInput!) {
  message(hubId: $hubId, input: $input) { signalId type clientMutationId input scope offline held call { id state reason rev } }
}`;
const dialDocument = `mutation ($hubId: ID!, $input: DialInput!) {
  dial(hubId: $hubId, input: $input) {
    signalId type clientMutationId input offline merged polite
    call { id state reason rev hubId roomId roomType caller callee legs alerting createdAt expiresAt acceptedAt endedAt }
  }
}`;

const callFields = 'id state reason rev hubId roomId roomType caller callee legs alerting acceptedAt endedAt';
/** What is said of a call: verbs that need no hub. */
export const verbDocuments = {
  acknowledgeRing: `mutation ($callId: ID!, $socketId: ID!) {
    acknowledgeRing(callId: $callId, socketId: $socketId) { changed call { ${callFields} } }
  }`,
  accept: `mutation ($callId: ID!, $socketId: ID!) {
    accept(callId: $callId, socketId: $socketId) {
      __typename
      ... on Accepted { polite call { ${callFields} } }
      ... on AnsweredElsewhere { device { deviceId deviceLabel socketId } call { ${callFields} } }
      ... on CallEnded { call { ${callFields} } }
    }
  }`,
  decline: `mutation ($callId: ID!, $socketId: ID, $busy: Boolean) {
    decline(callId: $callId, socketId: $socketId, busy: $busy) { changed call { ${callFields} } }
  }`,
  hangUp: `mutation ($callId: ID!, $socketId: ID, $reason: HangUpReason) {
    hangUp(callId: $callId, socketId: $socketId, reason: $reason) { changed call { ${callFields} } }
  }`,
};

export const documents = { notify: notifyDocument, message: messageDocument, dial: dialDocument };

/** The three mutations as one user sends them to one node; each throws unless it succeeds. */
export function as(url: string, token: string, hubId = 'team') {
  return {
    notify: async (input: object) => (await data(url, token, notifyDocument, { hubId, input })).notify,
    message: async (input: object) => (await data(url, token, messageDocument, { hubId, input })).message,
    dial: async (input: object) => (await data(url, token, dialDocument, { hubId, input })).dial,
    ...verbs(url, token),
  };
}

/** What a user says of a call, by its id and one of their sockets; each throws unless it succeeds. */
function verbs(url: string, token: string) {
  const say = async (verb: keyof typeof verbDocuments, callId: string, rest: object) =>
    (await data(url, token, verbDocuments[verb], { callId, ...rest }))[verb];
  return {
    acknowledgeRing: (callId: string, socketId: string) => say('acknowledgeRing', callId, { socketId }),
    accept: (callId: string, socketId: string) => say('accept', callId, { socketId }),
    decline: (callId: string, rest: { socketId?: string; busy?: boolean } = {}) =>
      say('decline', callId, rest),
    hangUp: (callId: string, rest: { socketId?: string; reason?: string } = {}) =>
      say('hangUp', callId, rest),
  };
}
