import type { BenchName } from '../benches/table.ts';
import { type Figure, find, type Scenario, type Spread, spreadOf, type Value } from '../run/figures.ts';
import type { Result } from '../run/measure.ts';
import type { SubjectName } from '../subjects.ts';

/** The results of all benches, by name; one that was not measured is missing. */
export type Results = Partial<Record<BenchName, Result>>;

/** What one name stands for in all repetitions of a scenario. */
export function takenOf(
  results: Results,
  bench: BenchName,
  subject: SubjectName,
  scenario: Scenario,
  name: string,
): Value | undefined {
  return find(results[bench]?.figures ?? [], subject, scenario)?.values[name];
}

/** The median of a value. */
export function medianOf(...which: Parameters<typeof takenOf>): number | null {
  return takenOf(...which)?.median ?? null;
}

/** Two values of the same repetitions, put together for each: repetitions that lack one of them say nothing. */
export function together(
  a: Value | undefined,
  b: Value | undefined,
  put: (a: number, b: number) => number,
): Spread {
  const pairs = (a?.each ?? []).map((value, i) => [value, b?.each[i] ?? null] as const);
  return spreadOf(pairs.map(([of, to]) => (of === null || to === null ? null : put(of, to))));
}

/** The median of its ratios to the bare loop. */
export function toBare(...which: Parameters<typeof takenOf>): number | null {
  return takenOf(...which)?.toBare ?? null;
}

/** The different values that a dimension took, in the order in which they were measured. */
export function valuesOf(figures: readonly Figure[], dimension: string): (string | number)[] {
  return [...new Set(figures.flatMap(({ scenario }) => scenario[dimension] ?? []))];
}

export function subjectsOf(figures: readonly Figure[]): SubjectName[] {
  return [...new Set(figures.map(({ subject }) => subject))];
}
