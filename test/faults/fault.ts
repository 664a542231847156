import type { Counts } from './checker.ts';

/** What a fault is given to run with. */
export interface Run {
  readonly seed: number;
  readonly long: boolean;
  /** The same numbers for the same seed, from 0 to 1. */
  random(): number;
  /** Says on stderr what happens. */
  note(text: string): void;
  /** Runs when the fault is over, last in first out, however it ends. */
  defer(undo: () => unknown): void;
}

/** Numbers that were measured. Null: could not be had. */
export type Figures = Readonly<Record<string, number | null>>;

/** What one run of a fault found. */
export interface Outcome {
  readonly nodes: number;
  readonly clients: number;
  readonly counts: Counts;
  readonly figures: Figures;
  /** The most that each figure or count may be. */
  readonly limits: Readonly<Record<string, number>>;
  /** Figures that stand beside ours and are not judged. */
  readonly beside?: Figures;
}

/** Something that goes wrong, and how the service is seen to survive it. */
export interface Fault {
  readonly name: string;
  /** One sentence for `--list` and for the table. */
  readonly sentence: string;
  run(run: Run): Promise<Outcome>;
}

/** Whatever the fault: nothing goes to the wrong one, nothing is lost in silence, nothing comes twice or late. */
const always = { wrongRecipient: 0, silentlyLost: 0, duplicates: 0, outOfOrder: 0 };

/** What an outcome has to be judged by: each figure that exceeds its limit, or could not be had. */
export function judge(outcome: Outcome): { limits: Record<string, number>; why: string[] } {
  const limits: Record<string, number> = { ...always, ...outcome.limits };
  const figures: Record<string, number | null> = { ...outcome.counts, ...outcome.figures };
  const why = Object.entries(limits).flatMap(([name, most]) => {
    const value = figures[name] ?? null;
    if (value === null) return [`${name} could not be measured`];
    return value > most ? [`${name} is ${value}, at most ${most} holds`] : [];
  });
  // A run in which nothing was sent shows nothing.
  if (outcome.counts.sent > 0 && outcome.counts.acked === 0) why.push('nothing was acknowledged');
  return { limits, why };
}

/** A generator of numbers from 0 to 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}
