import { transition } from './call.ts';
import { byService, changeOf } from './call-change.ts';
import { readCall } from './call-document.ts';
import { createPace, pause } from './clock.ts';
import { decideAndCommit } from './commit.ts';
import { look } from './dead-man.ts';
import type { SignalingNode } from './node.ts';
import type { Change } from './ports.ts';

/**
 * How often deadlines are looked for, in milliseconds: while none comes within the longer one, and otherwise. With what
 * firing takes, none is a second late while some hundreds are due at once; none that ends a call is set for sooner than that.
 */
const sweepMs = { idle: 1000, busy: 500 };

/** How many due deadlines are read at once. */
const mostRead = 1000;

/** How many are fired side by side at most: the first of them, and later those that are behind. */
const sideBySide = 2;

/**
 * How the others that are due at once are spread, in milliseconds, so that a dial that comes meanwhile does not wait for all
 * of them: with a gap after each, and shorter ones where there are too many for the whole. Of several nodes two may look at
 * the same call meanwhile, which costs the second one its look.
 */
const spreadMs = { gap: 8, whole: 300 };

/** Fires the deadlines of calls, whichever node took them: every node looks, and one of them wins each. */
export function startDeadlines(node: SignalingNode): () => void {
  const stopping = new AbortController();
  let sweep = Promise.resolve();
  let isWaiting = false;
  const pace = createPace(node.clock, sweepMs.busy, begin);

  // One sweep at a time; what becomes due during one is not left to the next tick.
  function begin(): void {
    if (isWaiting) return;
    isWaiting = true;
    sweep = sweep.then(async () => {
      isWaiting = false;
      try {
        pace.keepTo((await fireDue(node, stopping.signal)) ? sweepMs.busy : sweepMs.idle);
      } catch (error) {
        node.log.warn({ error }, 'due deadlines could not be read; at the next sweep');
        pace.keepTo(sweepMs.busy);
      }
    });
  }

  return () => {
    pace.stop();
    stopping.abort();
  };
}

/** Fires all that is due, and says whether more will be by the next sweep of an idle node. */
async function fireDue(node: SignalingNode, stopping: AbortSignal): Promise<boolean> {
  for (;;) {
    if (stopping.aborted) return false;
    const now = node.clock.now();
    const known = await node.store.deadlines(now + sweepMs.idle, mostRead);
    const due = known.filter(({ at }) => at <= now).map(({ id }) => id);
    const fired = await spread(shuffled(due), stopping, (id) => tryToFire(node, id, now));
    // What cannot be fired waits for the next sweep.
    if (due.length < mostRead || fired === 0) return known.length > 0;
  }
}

/** In an order of this node's own, so that nodes seldom want the same. */
function shuffled(ids: readonly string[]): string[] {
  const placed = ids.map((id) => ({ id, place: Math.random() }));
  return placed.sort((a, b) => a.place - b.place).map(({ id }) => id);
}

/** Does something with each: with two at once, with each further one a moment later. Returns how often that succeeded. */
async function spread(
  ids: readonly string[],
  stopping: AbortSignal,
  act: (id: string) => Promise<boolean>,
): Promise<number> {
  const gapMs = Math.min(spreadMs.gap, spreadMs.whole / ids.length);
  const began = performance.now();
  let succeeded = 0;
  for (let done = 0; done < ids.length && !stopping.aborted; ) {
    const allowed = sideBySide + Math.floor((performance.now() - began) / gapMs) - done;
    const some = ids.slice(done, done + Math.min(allowed, sideBySide));
    const results = await Promise.all(some.map(act));
    succeeded += results.filter(Boolean).length;
    done += some.length;
    if (some.length === 0) await pause(gapMs);
  }
  return succeeded;
}

async function tryToFire(node: SignalingNode, id: string, now: number): Promise<boolean> {
  try {
    await fire(node, id, now);
    return true;
  } catch (error) {
    node.log.warn({ error, id }, 'a deadline could not be fired; at the next sweep');
    return false;
  }
}

function fire(node: SignalingNode, id: string, now: number): Promise<null> {
  return decideAndCommit(node.store, async () => ({ change: await due(node, id, now), result: null }));
}

/**
 * What is due at a call: its end, or another look at it later. All calls of a sweep are judged as of its time: two
 * calls of one caller mostly come to the same.
 */
async function due(node: SignalingNode, id: string, now: number): Promise<Change> {
  const document = await node.store.document(id);
  const call = document && readCall(document);
  if (!call || call.state === 'ENDED') return { timers: [{ id, at: null }] };
  const expired = transition(call, { verb: 'expire' }, now);
  if (expired) return changeOf(expired, byService);
  const { verb, next, put, expect } = await look(node, call, now);
  const lost = verb && transition(call, verb, now);
  if (lost) return changeOf(lost, byService);
  return { expect: [{ id, rev: call.rev }, ...expect], put, timers: [{ id, at: next }] };
}
