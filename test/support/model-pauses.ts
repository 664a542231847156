import { doing } from './model-doing.ts';
import type { Turns } from './model-turns.ts';

/** What lasts longer is no pause but somebody's patience, which no run of the model exhausts; in milliseconds. */
const longestPauseMs = 200;

/**
 * Whoever loses a race pauses for some real milliseconds before they try again: here they wait for their turn instead, or
 * no run could be repeated. Returns how to end that.
 */
export function takePauses(turns: Turns): () => void {
  const { setTimeout: real } = globalThis;
  const inTurn = (task: () => void, ms = 0): unknown => {
    const by = doing.getStore();
    if (!by || ms > longestPauseMs) return real(task, ms);
    turns.wait(by.node.name, `pause | ${by.what}`, async () => task());
    return undefined;
  };
  globalThis.setTimeout = inTurn as unknown as typeof globalThis.setTimeout;
  return () => {
    globalThis.setTimeout = real;
  };
}
