import { flushCompileCache } from 'node:module';
import process from 'node:process';
import { createRedisEngine } from '../../src/redis/engine.ts';
import type { Identity } from '../../src/signaling/caller.ts';
import { systemClock } from '../../src/signaling/clock.ts';
import { defaultLimits } from '../../src/signaling/limits.ts';
import { createSignaling } from '../../src/signaling/signaling.ts';

/*
 * A process of its own that dials for its parent, to be killed while it does. Domain and adapter are those of a real
 * node; the edge is left out, because it keeps nothing and takes long to load.
 */

/** What the parent asks for: a dial of `alice` with this key. It is answered with the call's id. */
export interface DialOrder {
  readonly callee: string;
  readonly clientMutationId: string;
}

export interface DialDone {
  readonly clientMutationId: string;
  readonly callId: string;
}

const [url = '', prefix = ''] = process.argv.slice(2);
const log = { info() {}, warn() {}, error() {} };
const { start, stop: _, ...parts } = createRedisEngine({ url, prefix, log, systemClock });
await start();
const signaling = createSignaling({ ...parts, limits: defaultLimits, log });

const alice: Identity = {
  uid: 'alice',
  ident: null,
  firstname: 'Alice',
  lastname: null,
  fullname: null,
  email: null,
  hubs: new Map([['team', 3]]),
  busy: 'waiting',
  admin: false,
  issuedAt: 0,
  expiresAt: Number.POSITIVE_INFINITY,
};

process.on('message', (order: DialOrder) => {
  void dial(order);
});
process.on('disconnect', () => process.exit());
// Now, because this process will not come to its end: the next one starts three times as fast.
flushCompileCache();
process.send?.('ready');

async function dial({ callee, clientMutationId }: DialOrder): Promise<void> {
  const input = { target: { uid: callee }, roomId: 'room-1', roomType: 'video', clientMutationId };
  const { call } = await signaling.dial(await signaling.caller(alice), 'team', input);
  process.send?.({ clientMutationId, callId: call.id } satisfies DialDone);
}
