import { readFile, writeFile } from 'node:fs/promises';
import { table } from '../../bench/report/markdown.ts';

/** What one run of a fault found, as it is printed and kept. */
export interface Line {
  readonly fault: string;
  readonly sentence: string;
  readonly seed: number;
  readonly form: 'short' | 'long';
  readonly limits: Readonly<Record<string, number>>;
  readonly beside?: Readonly<Record<string, number | null>>;
  readonly holds: boolean;
  readonly why: readonly string[];
  readonly seconds: number;
  readonly node: string;
  readonly redis: string;
  readonly cpus: number;
  readonly commit: string;
  readonly [figure: string]: unknown;
}

const kept = new URL('../../docs/reliability.jsonl', import.meta.url);
const page = new URL('../../docs/RELIABILITY.md', import.meta.url);

/** Keeps the lines, each in the place of the one before of that fault and form, and writes the page anew. */
export async function writeReport(lines: readonly Line[]): Promise<void> {
  const before = await readFile(kept, 'utf8').catch(() => '');
  const all = new Map<string, Line>();
  const old = before
    .split('\n')
    .filter(Boolean)
    .map((text) => JSON.parse(text) as Line);
  for (const line of [...old, ...lines]) all.set(`${line.fault} ${line.form}`, line);
  const present = [...all.values()];
  await writeFile(kept, present.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await writeFile(page, render(present));
}

function render(lines: readonly Line[]): string {
  const parts = (['long', 'short'] as const).flatMap((form) => {
    const some = lines.filter((line) => line.form === form);
    return some.length === 0
      ? []
      : [`## ${form === 'long' ? 'At full size' : 'Short form'}\n\n${rows(some)}`];
  });
  return `# What it survives

This page is made from [reliability.jsonl](reliability.jsonl), which \`npm run -s faults -- --write\` writes: real
nodes, each a process of its own, on real \`redis-server\` processes; clients that know of each signal whether it was
acknowledged, for whom it was, and who got it. In each row nothing came to a wrong recipient, nothing came twice or out of
order, and nothing that was acknowledged was lost in silence, or the row says *no*. *Told* counts deliveries that could
not be made and of which the receiver was told (\`recovered: false\`, with the snapshot of open calls); *refused* counts
signals that the sender knows were not taken.

${parts.join('\n\n')}
`;
}

/** These hold always, and have columns of their own. */
const common = new Set([
  'wrongRecipient',
  'silentlyLost',
  'duplicates',
  'outOfOrder',
  'crashes',
  'away',
  'numbersReused',
  'rejected',
  'told',
]);

function rows(lines: readonly Line[]): string {
  const body = lines.map((line) => [
    `**${line.fault}**: ${line.sentence}`,
    number(line, 'clients'),
    number(line, 'acked'),
    number(line, 'silentlyLost'),
    number(line, 'duplicates'),
    number(line, 'outOfOrder'),
    number(line, 'told'),
    number(line, 'rejected'),
    figures(line),
    line.holds ? 'yes' : `**no**: ${line.why.join('; ')}`,
    `\`${line.commit}\``,
  ]);
  const head = [
    'fault',
    'clients',
    'acknowledged',
    'lost',
    'twice',
    'order',
    'told',
    'refused',
    'figure ≤ bound',
    'holds',
    'commit',
  ];
  const [first] = lines;
  const machine = first ? `\n\n${first.cpus} cores, Node ${first.node}, Redis ${first.redis}.` : '';
  return table([head, ...body]) + machine;
}

function number(line: Line, name: string): number | null {
  const value = line[name];
  return typeof value === 'number' ? value : null;
}

function figures(line: Line): string {
  const judged = Object.entries(line.limits).filter(([name]) => !common.has(name));
  const own = judged.map(([name, most]) => `${name} ${number(line, name) ?? '–'} ≤ ${most}`);
  const beside = Object.entries(line.beside ?? {}).map(([name, value]) => `${name} ${value ?? '–'}`);
  return [...own, ...beside].join(', ');
}
