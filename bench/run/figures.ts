import type { SubjectName } from '../subjects.ts';

/** What was varied. */
export type Scenario = Readonly<Record<string, string | number>>;

/** One measurement of one subject. */
export interface Sample {
  readonly subject: SubjectName;
  readonly scenario: Scenario;
  /** Measurements of one repetition were taken side by side, and are compared with each other. */
  readonly repetition: number;
  /** By name; null when the repetition says nothing about it. */
  readonly values: Readonly<Record<string, number | null>>;
}

/** What all repetitions say together. */
export interface Figure {
  readonly subject: SubjectName;
  readonly scenario: Scenario;
  readonly values: Readonly<Record<string, Value>>;
}

/** Several measurements of the same; null where none says anything. */
export interface Spread {
  readonly median: number | null;
  readonly least: number | null;
  readonly most: number | null;
  /** How many there are. */
  readonly count: number;
}

export interface Value extends Spread {
  /** By repetition, from the first; null where one says nothing. */
  readonly each: readonly (number | null)[];
  /** Median of the ratios to the bare loop of the same repetition. */
  readonly toBare: number | null;
}

export function figuresOf(samples: readonly Sample[]): Figure[] {
  const groups = Map.groupBy(samples, ({ subject, scenario }) => `${subject} ${JSON.stringify(scenario)}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first ? [figureOf(first, group, samples)] : [];
  });
}

function figureOf({ subject, scenario, values }: Sample, group: Sample[], all: readonly Sample[]): Figure {
  const names = Object.keys(values);
  return {
    subject,
    scenario,
    values: Object.fromEntries(names.map((name) => [name, summary(name, group, all)])),
  };
}

function summary(name: string, group: readonly Sample[], all: readonly Sample[]): Value {
  const repetitions = Math.max(...group.map(({ repetition }) => repetition));
  const each = Array.from({ length: repetitions }, (_, before) => {
    const sample = group.find(({ repetition }) => repetition === before + 1);
    return rounded(sample?.values[name] ?? null);
  });
  const ratios = group.map((sample) => ratioToBare(name, sample, all) ?? null);
  return { ...spreadOf(each), each, toBare: spreadOf(ratios).median };
}

export function spreadOf(values: readonly (number | null)[]): Spread {
  const known = values.filter((value) => value !== null);
  return {
    median: rounded(median(known)),
    least: known.length > 0 ? rounded(Math.min(...known)) : null,
    most: known.length > 0 ? rounded(Math.max(...known)) : null,
    count: known.length,
  };
}

function ratioToBare(name: string, sample: Sample, all: readonly Sample[]): number | undefined {
  const scenario = JSON.stringify(bareScenario(sample.scenario));
  const bare = all.find(
    (each) =>
      each.subject === 'bare' &&
      each.repetition === sample.repetition &&
      JSON.stringify(each.scenario) === scenario,
  );
  const [ours, theirs] = [sample.values[name], bare?.values[name]];
  return typeof ours === 'number' && typeof theirs === 'number' && theirs > 0 ? ours / theirs : undefined;
}

/** The bare loop knows no operations: however many there are, it is compared as it is. */
function bareScenario(scenario: Scenario): Scenario {
  return 'operations' in scenario ? { ...scenario, operations: 1 } : scenario;
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

/** Four significant digits: more than any of this is exact to. */
function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4));
}

/** The figure of a subject in a scenario, given by the part of it that matters. */
export function find(
  figures: readonly Figure[],
  subject: SubjectName,
  scenario: Scenario,
): Figure | undefined {
  return figures.find(
    (figure) =>
      figure.subject === subject &&
      Object.entries(scenario).every(([name, value]) => figure.scenario[name] === value),
  );
}
