import { transition } from './call.ts';
import { byService, changeOf } from './call-change.ts';
import { readCall } from './call-document.ts';
import { decideAndCommit } from './commit.ts';
import { look } from './dead-man.ts';
import type { SignalingNode } from './node.ts';
import type { Change } from './ports.ts';

/** How often due deadlines are looked for, in milliseconds: with what firing takes, none is a second late. */
const sweepMs = 500;

/** How many due deadlines are read at once. */
const mostRead = 1000;

/** How many of them are fired side by side: a few milliseconds' work, so that no dial waits for all that are due. */
const sideBySide = 4;

/** Fires the deadlines of calls, whichever node took them: every node looks, and one of them wins each. */
export function startDeadlines(node: SignalingNode): () => void {
  let sweep = Promise.resolve();
  let isWaiting = false;

  // One sweep at a time; what becomes due during one is not left to the next tick.
  return node.clock.every(sweepMs, () => {
    if (isWaiting) return;
    isWaiting = true;
    sweep = sweep.then(() => {
      isWaiting = false;
      return fireDue(node).catch((error: unknown) =>
        node.log.warn({ error }, 'due deadlines could not be read; at the next sweep'),
      );
    });
  });
}

/** Fires all that is due, in an order of this node's own, so that nodes seldom want the same. */
export async function fireDue(node: SignalingNode): Promise<void> {
  for (;;) {
    const due = await node.store.due(node.clock.now(), mostRead);
    const ids = due.map((id) => ({ id, place: Math.random() })).sort((a, b) => a.place - b.place);
    let fired = 0;
    for (let i = 0; i < ids.length; i += sideBySide) {
      const results = await Promise.all(ids.slice(i, i + sideBySide).map(({ id }) => tryToFire(node, id)));
      fired += results.filter(Boolean).length;
    }
    // What cannot be fired waits for the next sweep.
    if (due.length < mostRead || fired === 0) return;
  }
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
