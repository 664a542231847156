import { transition } from './call.ts';
import { byService, changeOf } from './call-change.ts';
import { readCall } from './call-document.ts';
import { createPace } from './clock.ts';
import { decideAndCommit } from './commit.ts';
import { look } from './dead-man.ts';
import type { SignalingNode } from './node.ts';
import type { Change, Deadline } from './ports.ts';

/**
 * How often deadlines are looked for, in milliseconds: while none comes within the longer one, and otherwise. With what
 * firing takes, none is a second late: none that ends a call is set for sooner than that.
 */
const sweepMs = { idle: 1000, busy: 500 };

/** How many due deadlines are read at once. */
const mostRead = 1000;

/** How many of them are fired side by side: a few milliseconds' work, so that no dial waits for all that are due. */
const sideBySide = 4;

/** Fires the deadlines of calls, whichever node took them: every node looks, and one of them wins each. */
export function startDeadlines(node: SignalingNode): () => void {
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
        pace.keepTo((await fireDue(node)) ? sweepMs.busy : sweepMs.idle);
      } catch (error) {
        node.log.warn({ error }, 'due deadlines could not be read; at the next sweep');
        pace.keepTo(sweepMs.busy);
      }
    });
  }

  return pace.stop;
}

/** Fires all that is due, and says whether more will be by the next sweep of an idle node. */
async function fireDue(node: SignalingNode): Promise<boolean> {
  for (;;) {
    const now = node.clock.now();
    const known = await node.store.deadlines(now + sweepMs.idle, mostRead);
    const due = known.filter(({ at }) => at <= now);
    const fired = await fireAll(node, due);
    // What cannot be fired waits for the next sweep.
    if (due.length < mostRead || fired === 0) return known.length > 0;
  }
}

/** In an order of this node's own, so that nodes seldom want the same. Returns how many it fired. */
async function fireAll(node: SignalingNode, due: readonly Deadline[]): Promise<number> {
  const shuffled = due.map(({ id }) => ({ id, place: Math.random() })).sort((a, b) => a.place - b.place);
  let fired = 0;
  for (let i = 0; i < shuffled.length; i += sideBySide) {
    const some = shuffled.slice(i, i + sideBySide);
    const results = await Promise.all(some.map(({ id }) => tryToFire(node, id)));
    fired += results.filter(Boolean).length;
  }
  return fired;
}

async function tryToFire(node: SignalingNode, id: string): Promise<boolean> {
  try {
    await fire(node, id);
    return true;
  } catch (error) {
    node.log.warn({ error, id }, 'a deadline could not be fired; at the next sweep');
    return false;
  }
}

function fire(node: SignalingNode, id: string): Promise<null> {
  return decideAndCommit(node.store, async () => ({ change: await due(node, id), result: null }));
}

/** What is due at a call: its end, or another look at it later. */
async function due(node: SignalingNode, id: string): Promise<Change> {
  const document = await node.store.document(id);
  const call = document && readCall(document);
  if (!call || call.state === 'ENDED') return { timers: [{ id, at: null }] };
  const expired = transition(call, { verb: 'expire' }, node.clock.now());
  if (expired) return changeOf(expired, byService);
  const { verb, next, put, expect } = await look(node, call);
  const lost = verb && transition(call, verb, node.clock.now());
  if (lost) return changeOf(lost, byService);
  return { expect: [{ id, rev: call.rev }, ...expect], put, timers: [{ id, at: next }] };
}
