import { createHash } from 'node:crypto';
import type { Caller } from './caller.ts';
import { checkId, checkJson } from './check.ts';
import { pause } from './clock.ts';
import { SignalingError } from './errors.ts';
import type { SignalingNode } from './node.ts';
import type { Change, IdempotencyKey, Store } from './ports.ts';

/** What a mutation decided: the change to commit, and what to answer when it happened: plain data where it is kept under a key. */
export interface Decision<Result> {
  /** Null when there is nothing to change. */
  readonly change: Omit<Change, 'key'> | null;
  readonly result: Result;
}

/** Decides; where the answer tells what can be read beside the commit, it is a promise. */
type Decide<Result> = () => Promise<Decision<Result | Promise<Result>>> | Decision<Result | Promise<Result>>;

/**
 * A decision is taken this often while others change what it is based on; before each time, a random part of so many
 * milliseconds passes. Each time somebody else has come further, and nodes that write one document as fast as they can
 * would otherwise shut each other out.
 */
const pausesMs = [0, 0, 0, ...Array.from({ length: 29 }, () => 20)];

/** How long a repetition is answered with the first result, in milliseconds. */
const keyTtlMs = 5 * 60 * 1000;

/** What makes a mutation repeatable: its name, its input, and the client's key for it. */
export interface Request {
  readonly mutation: 'notify' | 'message' | 'dial';
  readonly hubId: string;
  readonly input: { readonly clientMutationId?: string | null | undefined; readonly payload?: unknown };
}

/**
 * Decides and commits, once per idempotency key: a repetition returns the first result and does nothing.
 * Throws IDEMPOTENCY_CONFLICT when the key came with other input before, CONFLICT after 32 lost races.
 */
export async function commitOnce<Result>(
  { store, limits }: SignalingNode,
  caller: Caller,
  request: Request,
  decide: Decide<Result>,
): Promise<Result> {
  // Before anything walks through it.
  checkJson(request.input.payload, 'input.payload', limits);
  const key = keyOf(caller, request);
  const prior = key && (await store.result(key.id));
  if (prior) return repeated<Result>(prior.fingerprint === key.fingerprint ? prior.result : undefined);
  return decideAndCommit(store, decide, key);
}

/** Decides and commits; decides again, up to 31 times, when a revision that the decision expected has changed. */
export async function decideAndCommit<Result>(
  store: Store,
  decide: Decide<Result>,
  key?: Omit<IdempotencyKey, 'result'>,
): Promise<Result> {
  for (const pauseMs of pausesMs) {
    if (pauseMs > 0) await pause(Math.random() * pauseMs);
    const { change, result } = await decide();
    if (!change && !key) return result;
    // What repetitions are answered with is a part of the commit.
    const stored = key && { ...key, result: JSON.stringify(await result) };
    const [outcome, answer] = await Promise.all([store.commit({ ...change, key: stored }), result]);
    if (outcome.status === 'DONE') return answer;
    if (outcome.status === 'REPEATED') return repeated<Result>(outcome.result);
    if (outcome.status === 'KEY_CONFLICT') return repeated<Result>(undefined);
  }
  throw new SignalingError('CONFLICT', 'Others were changing the same thing. Try again.', {
    retryAfterMs: 100,
  });
}

function repeated<Result>(result: string | undefined): Result {
  if (result !== undefined) return JSON.parse(result) as Result;
  throw new SignalingError('IDEMPOTENCY_CONFLICT', 'This clientMutationId was used with other input.', {
    field: 'input.clientMutationId',
  });
}

function keyOf(
  caller: Caller,
  { mutation, hubId, input }: Request,
): Omit<IdempotencyKey, 'result'> | undefined {
  const clientMutationId = input.clientMutationId;
  if (clientMutationId === null || clientMutationId === undefined) return undefined;
  checkId(clientMutationId, 'input.clientMutationId');
  return {
    // No id contains a slash, so no two callers share a key.
    id: `${caller.identity.uid}/${mutation}/${clientMutationId}`,
    fingerprint: createHash('sha256').update(canonical({ hubId, input })).digest('base64url'),
    ttlMs: keyTtlMs,
  };
}

/** JSON with sorted keys: two clients may name the same input's fields in different order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
