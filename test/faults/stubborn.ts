import { WebSocket } from 'ws';
import { tokenFor } from '../../bench/token.ts';
import type { Run } from './fault.ts';
import { hubId } from './people.ts';
import { comesAbout } from './wait.ts';

/** A client that keeps a connection that says nothing, and takes its socket over on another node meanwhile. */
export interface Stubborn {
  /** Opens the same socket elsewhere; false when it did not come about. */
  takeOver(url: string): Promise<boolean>;
  /** Signals that came on both connections. */
  servedTwice(): number;
  /** Whether the old connection was told that it was replaced. */
  replaced(): boolean;
  /** How many signals came on the new connection. */
  served(): number;
}

const document = `subscription ($deviceId: ID, $after: String, $resumeToken: String) {
  incomingSignal(deviceId: $deviceId, after: $after, resumeToken: $resumeToken) {
    __typename id cursor ... on SocketReady { socketId resumeToken } ... on SocketClosing { code }
  }
}`;

interface Heard {
  readonly __typename: string;
  readonly id: string;
  readonly cursor: string | null;
  readonly socketId?: string;
  readonly resumeToken?: string;
  readonly code?: string;
}

export async function openStubborn(run: Run, url: string): Promise<Stubborn> {
  const old = subscribe(run, url, {});
  await comesAbout(5000, () => ready(old) !== undefined);
  let fresh: Heard[] = [];
  const numbered = (all: readonly Heard[]) => all.filter(({ cursor, socketId }) => cursor && !socketId);
  return {
    async takeOver(otherUrl) {
      const { resumeToken, socketId } = ready(old) ?? {};
      const after = old.findLast(({ cursor }) => cursor !== null)?.cursor;
      fresh = subscribe(run, otherUrl, { after, resumeToken });
      const isSame = () => ready(fresh)?.socketId === socketId;
      return resumeToken !== undefined && (await comesAbout(5000, isSame));
    },
    servedTwice() {
      const ids = new Set(numbered(fresh).map(({ id }) => id));
      return numbered(old).filter(({ id }) => ids.has(id)).length;
    },
    replaced: () => old.some(({ code }) => code === 'REPLACED'),
    served: () => numbered(fresh).length,
  };
}

const ready = (heard: readonly Heard[]) => heard.find(({ __typename }) => __typename === 'SocketReady');

/** What comes, as long as the run lasts. */
function subscribe(run: Run, url: string, variables: object): Heard[] {
  const heard: Heard[] = [];
  const ws = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  run.defer(() => ws.terminate());
  const payload = { query: document, variables: { deviceId: 'stubborn', ...variables } };
  ws.on('error', () => {});
  ws.on('open', () =>
    ws.send(
      JSON.stringify({
        type: 'connection_init',
        payload: { authorization: `Bearer ${tokenFor('stubborn', hubId)}` },
      }),
    ),
  );
  ws.on('message', (data) => {
    const message = JSON.parse(String(data)) as {
      type: string;
      payload?: { data?: { incomingSignal?: Heard } };
    };
    if (message.type === 'connection_ack') ws.send(JSON.stringify({ id: 's', type: 'subscribe', payload }));
    if (message.type === 'error')
      run.note(`the subscription was refused: ${JSON.stringify(message.payload)}`);
    const signal = message.payload?.data?.incomingSignal;
    if (signal) heard.push(signal);
  });
  return heard;
}
