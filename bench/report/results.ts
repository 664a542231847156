import type { BenchName } from '../benches/table.ts';
import { type Figure, find, type Scenario } from '../run/figures.ts';
import type { Result } from '../run/measure.ts';
import type { SubjectName } from '../subjects.ts';

/** The results of all benches, by name; one that was not measured is missing. */
export type Results = Partial<Record<BenchName, Result>>;

/** The median of a value. */
export function medianOf(
  results: Results,
  bench: BenchName,
  subject: SubjectName,
  scenario: Scenario,
  name: string,
): number | null {
  return find(results[bench]?.figures ?? [], subject, scenario)?.values[name]?.median ?? null;
}

/** The median of its ratios to the bare loop. */
export function toBare(
  results: Results,
  bench: BenchName,
  subject: SubjectName,
  scenario: Scenario,
  name: string,
): number | null {
  return find(results[bench]?.figures ?? [], subject, scenario)?.values[name]?.toBare ?? null;
}

/** The different values that a dimension took, in the order in which they were measured. */
export function valuesOf(figures: readonly Figure[], dimension: string): (string | number)[] {
  return [...new Set(figures.flatMap(({ scenario }) => scenario[dimension] ?? []))];
}

export function subjectsOf(figures: readonly Figure[]): SubjectName[] {
  return [...new Set(figures.map(({ subject }) => subject))];
}
