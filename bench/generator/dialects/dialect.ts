/** A user's device, which opens one socket. */
export interface Member {
  readonly uid: string;
  readonly deviceId: string;
  readonly hubId: string;
  /** Which of the different documents it subscribes with. */
  readonly operation: number;
}

/** What a client waits for in the bytes that come, and what it says then. */
export interface Step {
  readonly sees: string;
  readonly says?: string;
}

/** A signal to be sent: to everyone in the sender's hub, or to one user. */
export interface Outgoing {
  readonly to: { readonly hubId: string } | { readonly uid: string };
  readonly sender: Member;
  /** The socket that is left out. */
  readonly senderSocketId: string;
  /** JSON text. */
  readonly payload: string;
}

/** How clients of one kind of server speak to it. */
export interface Dialect {
  /** Whether WebSocket frames follow the head of the answer; otherwise a stream of events does. */
  readonly framed: boolean;
  /** The text message that asks for a sign of life, and the answer, where these are not WebSocket's own. */
  readonly heartbeat?: { readonly length: number; readonly answer: string };
  /** The HTTP request that opens a connection. */
  hello(member: Member, host: string): string;
  /** What follows it. The socket is open after the last step. */
  steps(member: Member): readonly Step[];
  /** The server's name for the socket, out of all that was seen until it was open. */
  socketId(seen: string, member: Member): string;
  /** The HTTP request that sends a signal. */
  request(signal: Outgoing, host: string): string;
}

export type DialectName = 'ours-ws' | 'ours-sse' | 'stock-ws' | 'stock-sse' | 'socketio' | 'plain';

/** The end of an HTTP head: from here on a WebSocket is open. */
export const headEnd = '\r\n\r\n';

export function httpPost(
  path: string,
  host: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): string {
  const all = {
    host,
    'content-type': 'application/json',
    'content-length': `${Buffer.byteLength(body)}`,
    ...headers,
  };
  return `POST ${path} HTTP/1.1\r\n${lines(all)}\r\n${body}`;
}

export function upgrade(path: string, host: string, protocol?: string): string {
  const headers = {
    host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...(protocol && { 'sec-websocket-protocol': protocol }),
  };
  return `GET ${path} HTTP/1.1\r\n${lines(headers)}\r\n`;
}

function lines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

/** The socket's id as our server and the peers write it in their first message. */
export function writtenSocketId(seen: string): string {
  return /"socketId":"([^"]+)"/.exec(seen)?.[1] ?? '';
}

/** The topics of a member, as the peers name them. */
export function topicsOf({ uid, hubId }: Member): string[] {
  return [`hub:${hubId}`, `user:${uid}`];
}

export function topicOf({ to }: Outgoing): string {
  return 'hubId' in to ? `hub:${to.hubId}` : `user:${to.uid}`;
}
