import { randomUUID } from 'node:crypto';
import { headEnd, type Step } from './dialect.ts';

/** The protocol `graphql-transport-ws`, as a client speaks it that has one subscription. */
export const protocol = 'graphql-transport-ws';

/** From the open WebSocket to the subscription: `connection_init`, its answer, `subscribe`. */
export function subscribeSteps(connectionParams: object, subscription: object): Step[] {
  const init = { type: 'connection_init', payload: connectionParams };
  // Operation ids are what the stock client makes of them: a UUID for each.
  const subscribe = { id: randomUUID(), type: 'subscribe', payload: subscription };
  return [
    { sees: headEnd, says: JSON.stringify(init) },
    { sees: '"connection_ack"', says: JSON.stringify(subscribe) },
  ];
}
