import process from 'node:process';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { as } from './api.ts';
import type { Transport } from './listen.ts';

/*
 * A process of its own that opens a stream for each of several users and dials from it, to be killed while it rings.
 * Whatever can happen to a client of an application happens to it: nobody says goodbye for it but the kernel.
 */

/** What the parent asks for, once. */
export interface CallsOrder {
  readonly calls: readonly {
    readonly url: string;
    readonly token: string;
    readonly transport: Transport;
    readonly input: object;
  }[];
}

/** The answer: every stream is open, and these calls ring, in the order's order. */
export interface CallsRinging {
  readonly callIds: readonly string[];
}

const deviceId = 'desk';
const payload = {
  query: 'subscription ($deviceId: ID) { incomingSignal(deviceId: $deviceId) { __typename } }',
  variables: { deviceId },
};

process.on('message', (order: CallsOrder) => {
  void ring(order);
});
process.on('disconnect', () => process.exit());

async function ring({ calls }: CallsOrder): Promise<void> {
  const dialled = await Promise.all(
    calls.map(async ({ url, token, transport, input }) => {
      await stream(transport, url, token);
      return as(url, token).dial({ ...input, deviceId });
    }),
  );
  process.send?.({ callIds: dialled.map(({ call }) => call.id) } satisfies CallsRinging);
}

/** Opens a stream and resolves with its first signal. */
function stream(transport: Transport, url: string, token: string): Promise<void> {
  const authorization = `Bearer ${token}`;
  const client =
    transport === 'sse'
      ? createSseClient({ url: `${url}/graphql`, headers: { authorization } })
      : createWsClient({
          url: `${url.replace('http', 'ws')}/graphql`,
          webSocketImpl: WebSocket,
          connectionParams: { authorization },
        });
  return new Promise((resolve, reject) => {
    client.subscribe(payload, { next: () => resolve(), error: reject, complete: () => {} });
  });
}
