import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureRedisServer } from '../support/redis-server.ts';
import { type Fault, judge, type Run, randomOf } from './fault.ts';
import { type Line, writeReport } from './report.ts';
import { faults } from './table.ts';

/*
 * `npm run -s faults [-- NAME …] [--seed N] [--long] [--write]`: progress on stderr, one line of JSON per fault on stdout.
 */

const usage = `Usage: npm run -s faults [-- NAME …] [--seed N] [--long] [--write] [--list]
  NAME     one or more of those that --list shows; all of them unless given
  --seed   repeats a run (1)
  --long   at full size; without it, all of them together take some minutes
  --write  writes what was found into docs/reliability.jsonl and docs/RELIABILITY.md
  --list   what there is`;

/** Nothing takes longer than this, in milliseconds: whoever waits in vain is ended. */
const patienceMs = 900_000;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
process.exit();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      long: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  if (values.list) return say(faults.map(({ name, sentence }) => `${name.padEnd(24)}${sentence}`).join('\n'));
  const unknown = positionals.find((name) => !faults.some((fault) => fault.name === name));
  if (unknown !== undefined) throw new Error(`There is no fault called ${unknown}.\n${usage}`);
  await ensureRedisServer();
  const wanted = faults.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const lines: Line[] = [];
  for (const fault of wanted) {
    const line = await survive(fault, Number(values.seed), values.long);
    process.stdout.write(`${JSON.stringify(line)}\n`);
    lines.push(line);
  }
  if (values.write) await writeReport(lines);
  return lines.every(({ holds }) => holds) ? 0 : 1;
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

async function survive(fault: Fault, seed: number, long: boolean): Promise<Line> {
  const undo: (() => unknown)[] = [];
  const began = performance.now();
  const note = (text: string): void => {
    const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${fault.name}: ${text}\n`);
  };
  const run: Run = { seed, long, random: randomOf(seed), note, defer: (work) => void undo.push(work) };
  const head = { fault: fault.name, sentence: fault.sentence, seed, form: long ? 'long' : 'short' } as const;
  const place = () => ({ seconds: Math.round((performance.now() - began) / 100) / 10, ...surroundings() });
  const impatience = setTimeout(() => {
    note('it takes too long');
    process.exit(1);
  }, patienceMs);
  try {
    const outcome = await fault.run(run);
    const { limits, why } = judge(outcome);
    for (const reason of why) note(`does not hold: ${reason}`);
    const { nodes, clients, counts, figures, beside } = outcome;
    const wanted = { gapMs: null, ghostMs: null, recoverMs: null };
    return {
      ...head,
      ...{ nodes, clients, ...counts, ...wanted, ...figures, limits, ...(beside && { beside }) },
      ...{ holds: why.length === 0, why, ...place() },
    };
  } catch (error) {
    note(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return { ...head, limits: {}, holds: false, why: [`it did not come to its end: ${error}`], ...place() };
  } finally {
    clearTimeout(impatience);
    for (const work of undo.reverse()) await Promise.resolve(work()).catch(() => {});
  }
}

function surroundings() {
  return {
    node: process.version,
    redis: /v=(\S+)/.exec(output('redis-server', '--version'))?.[1] ?? 'unknown',
    cpus: availableParallelism(),
    commit: output('git', 'rev-parse', '--short', 'HEAD').trim() + (isChanged() ? '+' : ''),
  };
}

function isChanged(): boolean {
  return output('git', 'status', '--porcelain', '--', 'src', 'client/src', 'schema').trim() !== '';
}

function output(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
