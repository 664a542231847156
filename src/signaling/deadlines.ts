import { storeRoomGrant } from './access.ts';
import { expire, putCall, readCall } from './call.ts';
import { decideAndCommit } from './commit.ts';
import type { SignalingNode } from './node.ts';

/** How often due deadlines are looked for, in milliseconds. */
const sweepMs = 1000;

/** How many deadlines one sweep of one node fires; the rest is due in the next. */
const mostPerSweep = 100;

/** Fires the deadlines of calls, whichever node took them: every node looks, and one of them wins each. */
export function startDeadlines(node: SignalingNode): () => void {
  return node.clock.every(sweepMs, () => {
    fireDue(node).catch((error: unknown) =>
      node.log.warn({ error }, 'due deadlines could not be fired; next second'),
    );
  });
}

export async function fireDue(node: SignalingNode): Promise<void> {
  const due = await node.store.due(node.clock.now(), mostPerSweep);
  await Promise.all(due.map((id) => fire(node, id)));
}

function fire(node: SignalingNode, id: string): Promise<null> {
  return decideAndCommit(node.store, async () => {
    const document = await node.store.document(id);
    const ended = document && expire(readCall(document), node.clock.now());
    const timers = [{ id, at: null }];
    if (!document || !ended) return { change: { timers }, result: null };
    const expect = [{ id, rev: document.rev }];
    // Who was invited and did not come may not enter later.
    const access = [storeRoomGrant(ended, null)];
    return { change: { expect, put: [putCall(ended)], timers, access }, result: null };
  });
}
