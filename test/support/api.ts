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
  message(hubId: $hubId, input: $input) { signalId type clientMutationId input scope offline }
}`;
const dialDocument = `mutation ($hubId: ID!, $input: DialInput!) {
  dial(hubId: $hubId, input: $input) {
    signalId type clientMutationId input offline
    call { id state reason rev hubId roomId roomType caller callee legs createdAt expiresAt }
  }
}`;

export const documents = { notify: notifyDocument, message: messageDocument, dial: dialDocument };

/** The three mutations as one user sends them to one node; each throws unless it succeeds. */
export function as(url: string, token: string, hubId = 'team') {
  return {
    notify: async (input: object) => (await data(url, token, notifyDocument, { hubId, input })).notify,
    message: async (input: object) => (await data(url, token, messageDocument, { hubId, input })).message,
    dial: async (input: object) => (await data(url, token, dialDocument, { hubId, input })).dial,
  };
}
