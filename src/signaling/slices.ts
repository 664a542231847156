import type { LookAhead } from './look-ahead.ts';
import { endTurn } from './turns-end.ts';

/** For so long after something urgent slices are small and rest in between, in milliseconds. */
const urgentMs = 20;

/** By `performance.now()`. */
let urgentUntil = 0;

/** Somebody is being rung, or was just sent something of their own: slices of long work are small, and let go of the core in between. */
export function urgent(): void {
  urgentUntil = performance.now() + urgentMs;
}

const bed = new Int32Array(new SharedArrayBuffer(4));

/**
 * Sleeps for a moment: about 0.1 ms, as timers are that inexact. A process that never does keeps its core for a whole time
 * slice of the scheduler, 4 ms at Linux's usual 250 Hz; on a machine of few cores the store, or another node, would wait
 * that long.
 */
function rest(): void {
  Atomics.wait(bed, 0, 0, 0.01);
}

/**
 * How many items one turn of the event loop serves: about half a millisecond's work. A dial has several turns to go, and
 * waits in each.
 */
export const slice = 64;

/** How many while something is urgent. Its commands and answers arrive meanwhile, and are met at the end of a turn. */
export const urgentSlice = 16;

/** No turn serves more of them once it has taken so long, in milliseconds: one document of many may be large. */
const longestMs = 1;

/** After a turn that took less than this nobody has waited, in milliseconds: it need not rest. */
const briefMs = 0.1;

/** How many are served between two looks at the time. */
const unwatched = 4;

/**
 * Serves a slice of items in each turn of the event loop, the first of them at once, so that nothing else waits for all of
 * them; then calls `done`. Of a set, whoever has left it meanwhile is not served. `ahead` looks at each slice before that.
 */
export function inSlices<Item>(
  items: Iterable<Item>,
  serve: (item: Item) => void,
  done: () => void = () => {},
  ahead?: LookAhead,
): void {
  const left = items[Symbol.iterator]();
  let total = 0;
  function proceed(): void {
    const began = performance.now();
    const end = began + longestMs;
    const most = began < urgentUntil ? urgentSlice : slice;
    ahead?.(total + most);
    for (let served = 0; served < most; served++, total++) {
      if (served > 0 && served % unwatched === 0 && performance.now() > end) break;
      const next = left.next();
      if (next.done) {
        done();
        return;
      }
      serve(next.value);
    }
    setImmediate(goOn, performance.now() - began);
  }
  function goOn(tookMs: number): void {
    endTurn();
    if (tookMs >= briefMs && performance.now() < urgentUntil) rest();
    proceed();
  }
  proceed();
}
