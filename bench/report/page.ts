import type { BenchName } from '../benches/table.ts';
import type { Machine } from '../run/machine.ts';
import type { Result } from '../run/measure.ts';
import { callsSection } from './calls-section.ts';
import { fanoutSection } from './fanout-section.ts';
import { table } from './markdown.ts';
import { mustShowTable } from './must-show.ts';
import type { Results } from './results.ts';
import type { Section } from './section.ts';
import {
  connectSection,
  dialSection,
  idleSection,
  nodesSection,
  profileSection,
  slowSection,
} from './sections.ts';

const sections: Readonly<Record<BenchName, (results: Results) => Section>> = {
  fanout: fanoutSection,
  dial: dialSection,
  calls: callsSection,
  idle: idleSection,
  connect: connectSection,
  nodes: nodesSection,
  slow: slowSection,
  profile: profileSection,
};

export interface Page {
  readonly text: string;
  /** What must hold, and whether it does: the table that the page begins with. */
  readonly promises: string;
  /** SVG text by file name. */
  readonly plots: Readonly<Record<string, string>>;
}

/** The report as Markdown. `notes` are what people have to say about the figures. */
export function renderPage(
  results: Results,
  { folder, notes, quick }: { readonly folder: string; readonly notes: string; readonly quick: boolean },
): Page {
  const measured = Object.values(results);
  const written = measured.map((result) => ({ result, section: sections[result.bench](results) }));
  const promises = mustShowTable(results);
  const parts = [
    '# What the service costs, and what others do',
    introduction(quick),
    '## What must hold',
    promises,
    notes.trim(),
    ...written.map(({ result, section }) => sectionText(result, section)),
    '## Machine and versions',
    machineTable(measured),
    failuresText(measured),
  ];
  return {
    text: `${parts.filter(Boolean).join('\n\n').replaceAll('FOLDER', folder)}\n`,
    promises,
    plots: Object.assign({}, ...written.map(({ section }) => section.plots)),
  };
}

function introduction(quick: boolean): string {
  const command = quick ? 'npm run -s bench -- report --quick' : 'npm run -s bench -- report';
  const warning = quick
    ? ' **This is a quick run: small sizes, one repetition. It shows that the bench works, and no more.**'
    : '';
  return `Written by \`${command}\`: change nothing here by hand.${warning} Within a bench everything was measured in turn, side by side on one machine; figures are medians of the repetitions, and ratios were taken within a repetition. A dash stands for what was not measured, or for latencies that say nothing because the generator itself was late. How it is measured, and by which rules of fairness: [README.md](README.md).`;
}

function sectionText(
  { bench, quick, only, repetitions, minutes, machine }: Result,
  { title, text }: Section,
): string {
  const options = [...(quick ? ['--quick'] : []), ...(only ? [`--only=${only.join(',')}`] : [])];
  const command = `\`${['npm run -s bench --', bench, ...options].join(' ')}\``;
  const times = repetitions === 1 ? 'measured once' : `${repetitions} repetitions`;
  return `## ${title}\n\n${command} at ${machine.commit}: ${times}, ${minutes} minutes.\n\n${text}`;
}

function machineTable(measured: readonly Result[]): string {
  if (measured.length === 0) return 'Nothing was measured.';
  // Mostly one; who measures a bench again on another machine sees both.
  const all = (describe: (machine: Machine) => string) =>
    [...new Set(measured.map(({ machine }) => describe(machine)))].join(' / ');
  const rows: [string, string][] = [
    ['machine', all(({ cpu, cores, memoryGb }) => `${cpu}, ${cores} cores, ${memoryGb} GB; loopback`)],
    ['cores', all(({ pinned }) => (pinned ? 'servers and Redis on 0, load on 1' : 'not bound'))],
    ['precedence over other processes', all(({ ahead }) => (ahead ? 'yes' : 'no'))],
    ['open files per process', all(({ openFiles }) => `${openFiles}`)],
    ['system', all(({ kernel }) => `Linux ${kernel}`)],
    ['Node', all(({ node, nodeFlags }) => `${node} with ${nodeFlags}`)],
    ['Redis', all(({ redis }) => redis)],
    ['peers', all(({ peers }) => peers)],
    ...measured.map(({ bench, machine: { commit, date, load } }): [string, string] => [
      bench,
      `commit ${commit}, ${date} UTC, load of the machine before it ${load}`,
    ]),
  ];
  return table([['', ''], ...rows]);
}

function failuresText(measured: readonly Result[]): string {
  const failures = measured.flatMap(({ bench, failures }) =>
    failures.map((failure) => `- ${bench}: ${failure}`),
  );
  return failures.length === 0 ? '' : `## What could not be measured\n\n${failures.join('\n')}`;
}
