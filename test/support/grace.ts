import { as, data } from './api.ts';
import { type ManualClock, manualClock } from './clock.ts';
import { type Listener, listen, type Received, type Transport } from './listen.ts';
import { until } from './raw.ts';
import { type EngineName, randomPrefix, type ServiceOptions, startService, tokenFor } from './service.ts';

/** A service whose sockets have a grace, as it is used: two nodes where there can be two, and a clock that the test moves. */

export const graceMs = 30_000;

export async function startPair(engine: EngineName, env: NonNullable<ServiceOptions['env']> = {}) {
  const clock = manualClock();
  const prefix = randomPrefix();
  const options = {
    engine,
    prefix,
    env: { GRACE_SECONDS: '30', ...env },
    overrides: { clock },
  };
  const node = await startService(options);
  const other = engine === 'redis' ? await startService(options) : node;
  return { clock, node, other, prefix, urls: [...new Set([node.url, other.url])] };
}

/**
 * Time goes by as it does: no node misses a renewal of its lease. A node answers behind what it sends by itself, on
 * the same connection.
 */
export async function pass(clock: ManualClock, urls: readonly string[], ms: number): Promise<void> {
  const token = await tokenFor('clock');
  for (let left = ms; left > 0; left -= 5000) {
    clock.advance(Math.min(left, 5000));
    for (const url of urls) await data(url, token, '{ activeCalls { id } }');
  }
}

const resumeDocument = `subscription ($deviceId: ID, $after: String, $resumeToken: String, $kinds: [SignalKind!], $hubIds: [ID!]) {
  incomingSignal(deviceId: $deviceId, after: $after, resumeToken: $resumeToken, kinds: $kinds, hubIds: $hubIds) {
    __typename cursor origin { socketId }
    ... on SocketReady { socketId resumeToken resumed recovered reason hubIds calls { id } }
    ... on SocketClosing { code reconnect }
    ... on PeerMessage { payload }
    ... on HubNotification { payload }
    ... on IncomingCall { ring call { id } }
    ... on PresenceChanged { hubId users { uid online } }
  }
}`;

interface Wish {
  readonly deviceId?: string;
  readonly after?: string;
  readonly resumeToken?: string;
  readonly kinds?: readonly string[];
  readonly hubIds?: readonly string[];
}

/** A socket that shows what it takes to be it again. */
export function openSocket(
  url: string,
  token: string,
  wish: Wish = {},
  transport: Transport = 'sse',
): Promise<Listener> {
  return listen(url, token, { transport, query: resumeDocument, variables: { ...wish } });
}

export const presenceDocument =
  'query ($hubId: ID!, $uids: [ID!]!) { presence(hubId: $hubId, uids: $uids) { uid online connected } }';

export async function presenceOf(url: string, token: string, uids: string[], hubId = 'team') {
  return (await data(url, token, presenceDocument, { hubId, uids })).presence as Received[];
}

/** Ends the connection of a user's only socket, and waits until the service has noticed. */
export async function leave(url: string, uid: string, socket: Listener): Promise<void> {
  socket.close();
  const token = await tokenFor('usher');
  await until('a socket in grace', async () => {
    const [user] = await presenceOf(url, token, [uid]);
    return !user.connected;
  });
}

/** Whether a message to a socket finds it. */
export async function isThere(url: string, token: string, socketId: string): Promise<boolean> {
  return !(await as(url, token).message({ target: { socketId } })).offline;
}
