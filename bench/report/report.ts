import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type BenchName, benches } from '../benches/table.ts';
import type { Options } from '../run/bench.ts';
import { describeMachine } from '../run/machine.ts';
import { measure } from '../run/measure.ts';
import { progress } from '../run/progress.ts';
import { renderPage } from './page.ts';
import type { Results } from './results.ts';

const bench = new URL('../', import.meta.url);

/** Where a report goes. A quick one stands beside the one that is committed, and git ignores it. */
function filesOf({ quick }: Options) {
  const suffix = quick ? '.quick' : '';
  return { page: new URL(`REPORT${suffix}.md`, bench), folder: `figures${suffix}` };
}

/** Where the project's own page shows the first table of the report. */
const readme = new URL('../README.md', bench);
const shown = /(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)/s;

/** What of a report is to be measured. */
export interface Wanted {
  /** These; the others stay as they were saved. All, when empty. */
  readonly names: readonly BenchName[];
  /** Only what was not measured at this commit. */
  readonly resume: boolean;
  /** Nothing. */
  readonly render: boolean;
}

/** Runs benches and writes the page, its plots, and the figures it is made of. Returns the exit code. */
export async function writeReport(options: Options, wanted: Wanted): Promise<number> {
  const saved = await savedResults(options);
  const due = dueOf(saved, wanted);
  const results: Results = { ...saved };
  for (const name of due) delete results[name];
  for (const name of due) {
    progress(`== ${name}`);
    results[name] = await measure(name, options);
    await save(options, results);
  }
  await save(options, results);
  progress(`written: ${filesOf(options).page.pathname}`);
  const failures = Object.values(results).flatMap((result) => result.failures);
  return failures.length === 0 ? 0 : 1;
}

async function savedResults(options: Options): Promise<Results> {
  const saved = new URL(`${filesOf(options).folder}/figures.json`, bench);
  return JSON.parse(await readFile(saved, 'utf8').catch(() => '{}')) as Results;
}

function dueOf(saved: Results, { names, resume, render }: Wanted): readonly BenchName[] {
  if (render) return [];
  const all = Object.keys(benches) as BenchName[];
  const asked = names.length > 0 ? all.filter((name) => names.includes(name)) : all;
  const { commit } = describeMachine();
  return resume ? asked.filter((name) => saved[name]?.machine.commit !== commit) : asked;
}

async function save(options: Options, results: Results): Promise<void> {
  const { page, folder } = filesOf(options);
  const notes = await readFile(new URL('report/notes.md', bench), 'utf8').catch(() => '');
  const { text, plots, promises } = renderPage(results, { folder, notes, quick: options.quick });
  await mkdir(new URL(`${folder}/`, bench), { recursive: true });
  await writeFile(new URL(`${folder}/figures.json`, bench), `${JSON.stringify(results)}\n`);
  for (const [name, svg] of Object.entries(plots)) await writeFile(new URL(`${folder}/${name}`, bench), svg);
  await writeFile(page, text);
  if (!options.quick) await show(promises);
}

async function show(promises: string): Promise<void> {
  const text = await readFile(readme, 'utf8');
  await writeFile(
    readme,
    text.replace(shown, () => `\n${promises}\n\n`),
  );
}
