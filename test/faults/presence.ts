import { tokenFor } from '../../bench/token.ts';
import { connect } from '../../client/src/index.ts';
import type { Run } from './fault.ts';
import { hubId } from './people.ts';
import { comesAbout } from './wait.ts';

/** Somebody who is on a node that dies, and does not come back. */
export interface Ghost {
  /** Milliseconds from now until another node shows them as connected no more; null when that takes longer. */
  goneMs(patienceMs: number): Promise<number | null>;
}

const presence = `query ($hubId: ID!, $uids: [ID!]!) { presence(hubId: $hubId, uids: $uids) { uid connected } }`;
const dial = `mutation ($hubId: ID!, $input: DialInput!) { dial(hubId: $hubId, input: $input) { offline call { id } } }`;
const hangUp = `mutation ($callId: ID!) { hangUp(callId: $callId) { changed } }`;

export async function watchGhosts(run: Run, url: string, otherUrl: string): Promise<Ghost> {
  const uid = 'ghost';
  const signaling = connect({
    url,
    getToken: () => tokenFor(uid, hubId),
    hubId,
    deviceId: uid,
    transport: 'sse',
  });
  run.defer(() => signaling.close());
  await signaling.ready();
  return {
    async goneMs(patienceMs) {
      signaling.close();
      const from = performance.now();
      const gone = await comesAbout(patienceMs, async () => !(await isConnected(otherUrl, uid)), 100);
      return gone ? Math.round(performance.now() - from) : null;
    },
  };
}

/** By the presence query; where there is none, by whether a call would ring. */
async function isConnected(url: string, uid: string): Promise<boolean> {
  const shown = await ask<{ presence: { connected: boolean }[] }>(url, presence, { hubId, uids: [uid] });
  if (shown) return shown.presence[0]?.connected ?? false;
  const input = { target: { uid }, roomId: 'ghost', roomType: 'video' };
  const called = await ask<{ dial: { offline: boolean; call: { id: string } } }>(url, dial, { hubId, input });
  if (!called || called.dial.offline) return false;
  await ask(url, hangUp, { callId: called.dial.call.id });
  return true;
}

async function ask<Data>(url: string, query: string, variables: object): Promise<Data | undefined> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenFor('watcher', hubId)}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data } = (await response.json()) as { data?: Data };
  return data ?? undefined;
}
