import { type BenchName, benches } from '../benches/table.ts';
import type { SubjectName } from '../subjects.ts';
import type { Options } from './bench.ts';
import { type Figure, figuresOf } from './figures.ts';
import { describeMachine, type Machine } from './machine.ts';
import { ensurePeers } from './peers.ts';
import { goAhead, mayGoFirst } from './processes.ts';
import { progress } from './progress.ts';

/** What a bench prints. */
export interface Result {
  readonly bench: BenchName;
  readonly quick: boolean;
  readonly repetitions: number;
  /** The subjects that were left in, if some were left out. */
  readonly only: readonly SubjectName[] | null;
  readonly minutes: number;
  readonly machine: Machine;
  readonly failures: readonly string[];
  readonly figures: readonly Figure[];
}

export async function measure(bench: BenchName, options: Options): Promise<Result> {
  if (process.platform !== 'linux') throw new Error('The bench reads /proc: it runs on Linux only.');
  await ensurePeers();
  goAhead();
  const machine = describeMachine();
  if (!mayGoFirst) progress('without CAP_SYS_NICE, others on this machine are in the way');
  if (!machine.pinned) progress('taskset or a second core is missing: servers and load share the cores');
  if (machine.load > 0.5) progress(`the machine is not quiet: its load is ${machine.load}`);
  const began = performance.now();
  const { samples, failures } = await benches[bench](options);
  const minutes = Number(((performance.now() - began) / 60_000).toFixed(1));
  const { quick, only = null } = options;
  // Some benches need no more than one.
  const repetitions = Math.max(1, ...samples.map(({ repetition }) => repetition));
  return { bench, quick, repetitions, only, minutes, machine, failures, figures: figuresOf(samples) };
}
