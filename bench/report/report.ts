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

/** Runs every bench and writes the page, its plots, and the figures it is made of. Returns the exit code. */
export async function writeReport(
  options: Options,
  { resume, render }: { readonly resume: boolean; readonly render: boolean },
): Promise<number> {
  const known = resume || render ? await savedResults(options) : {};
  const results: Results = render ? known : ofPresentCode(known);
  for (const name of Object.keys(benches) as BenchName[]) {
    if (render || results[name]) continue;
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

function ofPresentCode(results: Results): Results {
  const { commit } = describeMachine();
  return Object.fromEntries(Object.entries(results).filter(([, { machine }]) => machine.commit === commit));
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
