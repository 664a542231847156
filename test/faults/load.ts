import { setTimeout as delay } from 'node:timers/promises';
import { tokenFor } from '../../bench/token.ts';
import { SignalingError } from '../../client/src/index.ts';
import type { Checker } from './checker.ts';
import type { Run } from './fault.ts';
import { hubId, type People, type Person } from './people.ts';
import { comesAbout } from './wait.ts';

/** Signals that flow while something goes wrong. */
export interface Load {
  /** Sends nothing new; resolves when everything on its way was answered or given up. */
  stop(): Promise<void>;
  /** Refusals that were not UNAVAILABLE or a broken connection, by their code. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Calls that were dialled and did not ring. */
  ringsLost(): number;
  readonly rings: { dialled: number };
}

export interface LoadOptions {
  readonly people: People;
  readonly checker: Checker;
  /** Where beats go, which have no SDK that repeats them. */
  readonly url: string;
  /** Messages from person to person, per second. */
  readonly perSecond: number;
  /** From one notification of the whole hub to the next, in milliseconds; none unless given. */
  readonly beatMs?: number;
  /** Calls per second, each hung up again; none unless given. */
  readonly ringsPerSecond?: number;
}

/** How long a ring may take to somebody who is on their way to another node, in milliseconds. */
const ringMs = 20_000;

/** How many people send at most. */
const mostSenders = 40;

export function startLoad(run: Run, options: LoadOptions): Load {
  const { people, checker, perSecond, beatMs, ringsPerSecond } = options;
  const leaving = new AbortController();
  const refusals = new Map<string, number>();
  const rings = { dialled: 0 };
  let lostRings = 0;
  const senders = people.all.slice(0, Math.min(mostSenders, perSecond));
  run.defer(() => leaving.abort());

  const rest = (ms: number) => delay(Math.max(0, ms), undefined, { signal: leaving.signal }).catch(() => {});
  const anybodyBut = (person: Person): Person => {
    for (;;) {
      const other = people.all[Math.floor(run.random() * people.all.length)];
      if (other && other !== person) return other;
    }
  };

  function failed(id: number, error: unknown): void {
    checker.rejected(id);
    const code = error instanceof SignalingError ? error.code : String(error);
    refusals.set(code, (refusals.get(code) ?? 0) + 1);
  }

  /** One person sends messages, each after the answer to the one before. */
  async function converse(sender: Person, afterMs: number): Promise<void> {
    const everyMs = (1000 * senders.length) / perSecond;
    await rest(afterMs);
    for (let due = performance.now(); !leaving.signal.aborted; due += everyMs) {
      await rest(due - performance.now());
      if (leaving.signal.aborted) return;
      const { uid } = anybodyBut(sender);
      const id = checker.send(sender.uid, { uid });
      try {
        const { offline } = await sender.signaling.message({ uid }, 'fault', { fault: id });
        if (offline) checker.offline(id);
        else checker.acked(id);
      } catch (error) {
        failed(id, error);
      }
      due = Math.max(due, performance.now() - everyMs);
    }
  }

  /** Notifications at a fixed pace, whether or not the ones before were answered; none is repeated. */
  async function beat(everyMs: number): Promise<void> {
    const token = tokenFor('beat', hubId);
    const document = `mutation ($hubId: ID!, $input: MessageInput!) { message(hubId: $hubId, input: $input) { offline } }`;
    const open = new Set<Promise<void>>();
    for (let due = performance.now(); !leaving.signal.aborted; due += everyMs) {
      await rest(due - performance.now());
      if (leaving.signal.aborted) break;
      const one = send().finally(() => open.delete(one));
      open.add(one);
    }
    await Promise.all(open);

    async function send(): Promise<void> {
      const id = checker.send('beat', { hub: true });
      const input = { target: { hubId }, type: 'beat', payload: { fault: id } };
      try {
        const response = await fetch(`${options.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
          body: JSON.stringify({ query: document, variables: { hubId, input } }),
          signal: AbortSignal.timeout(4000),
        });
        const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
        if (!errors) return checker.acked(id);
        failed(id, new SignalingError(errors[0]?.extensions.code ?? '?', ''));
      } catch {
        failed(id, new SignalingError('NETWORK', ''));
      }
    }
  }

  /** Calls one person after the other, and hangs up when it has rung. */
  async function ring(everyMs: number): Promise<void> {
    const [caller] = people.all;
    if (!caller) return;
    for (let due = performance.now(); !leaving.signal.aborted; due += everyMs) {
      await rest(due - performance.now());
      // One after the other: a second call to the same person joins the first.
      if (!leaving.signal.aborted) await call(caller);
    }
  }

  async function call(caller: Person): Promise<void> {
    const { uid } = anybodyBut(caller);
    const id = checker.send(caller.uid, { uid });
    rings.dialled++;
    try {
      const call = await caller.signaling.dial(uid, { payload: { fault: id } });
      if (call.state === 'ENDED') {
        checker.offline(id);
        lostRings++;
      } else checker.acked(id);
      // Who comes back after a call has ended gets no stale ring, but its record.
      await comesAbout(ringMs, async () => checker.hasArrived(id), 20);
      await call.hangUp();
    } catch (error) {
      failed(id, error);
    }
  }

  const running = senders.map((sender, i) =>
    converse(sender, (i / senders.length) * (1000 / perSecond) * senders.length),
  );
  if (beatMs) running.push(beat(beatMs));
  if (ringsPerSecond) running.push(ring(1000 / ringsPerSecond));

  return {
    refusals,
    rings,
    ringsLost: () => lostRings,
    async stop() {
      leaving.abort();
      await Promise.all(running);
    },
  };
}
