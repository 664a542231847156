import type { SubjectName } from '../subjects.ts';
import type { Sample } from './figures.ts';
import { progress } from './progress.ts';

/** How a bench is to be run. */
export interface Options {
  /** Small sizes and one repetition: whether it works, and the order of magnitude. */
  readonly quick: boolean;
  readonly repetitions: number;
  /** Only these, and the bare loop. */
  readonly only: readonly SubjectName[] | undefined;
}

/** Servers started, measured in one or more scenarios, and ended. */
export interface Cell {
  /** Whom it measures; `all` when they are up at the same time. */
  readonly subject: SubjectName | 'all';
  /** What it is, for those who watch. */
  readonly label: string;
  /** Where fewer repetitions are enough: for peers that are far off. */
  readonly mostRepetitions?: number | undefined;
  measure(repetition: number): Promise<Sample[]>;
}

export interface Outcome {
  readonly samples: readonly Sample[];
  /** Cells that could not be measured, and why. */
  readonly failures: readonly string[];
}

/** Measures all cells, then all of them again: what the machine does meanwhile meets everyone alike. */
export async function interleave(cells: readonly Cell[], options: Options): Promise<Outcome> {
  const { repetitions } = options;
  const wanted = cells.filter(({ subject }) => subject === 'all' || isWanted(subject, options));
  const samples: Sample[] = [];
  const failures: string[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    const due = wanted.filter(({ mostRepetitions = repetitions }) => repetition <= mostRepetitions);
    for (const [index, { subject, label, measure }] of due.entries()) {
      const place = `${repetition}/${repetitions} ${index + 1}/${due.length}`;
      try {
        const taken = await measure(repetition);
        samples.push(...taken);
        for (const sample of taken) {
          progress(`${place} ${sample.subject} ${describe(sample.scenario)}: ${describe(sample.values)}`);
        }
      } catch (error) {
        const [reason = ''] = (error as Error).message.split('\n');
        failures.push(`${subject}, ${label}: ${reason}`);
        progress(`${place} ${subject} ${label} FAILED: ${(error as Error).message}`);
      }
    }
  }
  return { samples, failures };
}

export function isWanted(subject: SubjectName, { only }: Options): boolean {
  return !only || subject === 'bare' || only.includes(subject);
}

function describe(values: Readonly<Record<string, string | number | null>>): string {
  const short = (value: string | number | null) =>
    typeof value === 'number' ? Number(value.toPrecision(3)) : (value ?? '–');
  return Object.entries(values)
    .map(([name, value]) => `${name} ${short(value)}`)
    .join(', ');
}
