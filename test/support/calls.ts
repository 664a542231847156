import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, expect, inject, onTestFinished } from 'vitest';
import type { CallsOrder, CallsRinging } from './calling-client.ts';
import { startChildNode } from './child-node.ts';
import type { Listener, Received } from './listen.ts';
import { operations } from './operations.ts';
import { type Person, person } from './person.ts';
import { type EngineName, randomPrefix, startService } from './service.ts';

/*
 * Calls as tests look at them: what a listener is told of one, what is left of it when it has ended, and how long that
 * took.
 */

/** Whom to dial, unless a test says more. */
export const ringBob = { target: { uid: 'bob' }, roomId: 'room', roomType: 'video' };

/**
 * The two nodes of an installation, each in a process of its own, so that what is sent to them at once happens at once.
 * In memory there is only one node, twice.
 */
export async function startTwoNodes(engine: EngineName): Promise<readonly [string, string]> {
  if (engine === 'memory') {
    const { url } = await startService({ engine });
    return [url, url];
  }
  const env = { REDIS_URL: inject('redisUrl'), REDIS_PREFIX: randomPrefix() };
  const [one, other] = await Promise.all([startChildNode(env), startChildNode(env)]);
  return [one.url, other.url];
}

/** The next `CallUpdated` of a call with this change; those of other calls are passed over. */
export async function updateOf(listener: Listener, callId: string, change: string): Promise<Received> {
  for (;;) {
    const signal = await listener.nextOf('CallUpdated');
    if (signal.call.id === callId && signal.change === change) return signal;
  }
}

/** Waits for the end of every one of these calls, for longer than a listener does by itself. */
export async function endsOf(
  listener: Listener,
  callIds: readonly string[],
  patienceMs: number,
): Promise<Map<string, { readonly signal: Received; readonly at: number }>> {
  const deadline = performance.now() + patienceMs;
  const ends = new Map<string, { signal: Received; at: number }>();
  while (ends.size < callIds.length) {
    const signal = await listener.next().catch((error: Error) => {
      // It gives up after five seconds, and may be asked again.
      if (!/no signal/.test(error.message) || performance.now() > deadline) throw error;
    });
    if (signal?.change === 'ENDED' && callIds.includes(signal.call.id))
      ends.set(signal.call.id, { signal, at: performance.now() });
  }
  return ends;
}

/** The records that a person has of their calls with another, newest first. */
export async function recordsOf(owner: Person, peer: string, first = 20): Promise<Received[]> {
  const { callHistory } = await owner.ask(operations.callHistory, { peer, first });
  return callHistory.edges.map(({ node }: { node: Received }) => node);
}

/** Asserts that each side of a call that has ended has one record of it and no more. */
export async function expectRecords(
  caller: Person,
  callee: Person,
  { missed, ...shared }: { readonly callId: string; readonly reason: string; readonly missed: boolean },
): Promise<void> {
  const record = { ...shared, caller: caller.uid };
  expect(await recordsOf(caller, callee.uid)).toMatchObject([
    { ...record, direction: 'OUTGOING', missed: false },
  ]);
  expect(await recordsOf(callee, caller.uid)).toMatchObject([{ ...record, direction: 'INCOMING', missed }]);
}

/** The privilege that a user holds on a room by the calls they were invited to. */
export async function privilegeOn(url: string, roomId: string, uid: string): Promise<number> {
  const server = await person(url, 'server', { admin: true });
  return (await server.ask(operations.roomAccess, { roomId, uid })).roomAccess.privilege;
}

/** A process with open streams that dials; see `calling-client.ts`. It is killed when the test has finished. */
export async function startCallingClient(order: CallsOrder) {
  const child: ChildProcess = fork(new URL('calling-client.ts', import.meta.url), { execArgv: [] });
  const closed = once(child, 'close');
  async function kill(): Promise<void> {
    child.kill('SIGKILL');
    await closed;
  }
  onTestFinished(kill);
  child.send(order);
  const answer = await Promise.race([once(child, 'message'), closed]);
  const [{ callIds }] = answer as [CallsRinging];
  return { callIds, kill };
}

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Milliseconds, as a report shows them. */
export function summary(values: readonly number[]) {
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    p50: round(percentile(values, 0.5)),
    p99: round(percentile(values, 0.99)),
    max: round(percentile(values, 1)),
  };
}

/** Collects a file's figures, by what they are of. When `ROUNDS` is set they are written at its end, as one line of JSON. */
export function createReport(about: object = {}): (of: string, figures: object) => void {
  const all: Record<string, object> = {};
  afterAll(() => {
    if (process.env['ROUNDS'] !== undefined) console.log(JSON.stringify({ ...about, ...all }));
  });
  return (of, figures) => {
    all[of] = figures;
  };
}
