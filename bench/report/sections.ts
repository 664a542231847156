import { elsewhere } from '../benches/profile.ts';
import type { BenchName } from '../benches/table.ts';
import type { Figure, Scenario } from '../run/figures.ts';
import { type SubjectName, subjectOf } from '../subjects.ts';
import { colors } from './look.ts';
import { duration, short, table } from './markdown.ts';
import { medianOf, type Results, subjectsOf, toBare, valuesOf } from './results.ts';
import type { Section } from './section.ts';
import { barChart } from './svg.ts';

type Cell = string | number | null;

/** One row per subject and scenario: the scenario's words, then columns made of its values. */
function rowsOf(
  results: Results,
  bench: BenchName,
  words: (scenario: Scenario) => string,
  columns: readonly ((value: (name: string) => number | null) => Cell)[],
): Cell[][] {
  return figuresOf(results, bench).map(({ subject, scenario }) => {
    const value = (name: string) => medianOf(results, bench, subject, scenario, name);
    return [`${subjectOf(subject).label}${words(scenario)}`, ...columns.map((column) => column(value))];
  });
}

function figuresOf(results: Results, bench: BenchName): readonly Figure[] {
  return results[bench]?.figures ?? [];
}

const percentiles = [
  (value: (name: string) => number | null) => duration(value('p50Us')),
  (value: (name: string) => number | null) => duration(value('p99Us')),
  (value: (name: string) => number | null) => duration(value('p999Us')),
];

export function dialSection(results: Results): Section {
  const rows = rowsOf(results, 'dial', ({ meanwhile }) => `, meanwhile ${meanwhile}`, [
    ...percentiles,
    (value) => duration(value('cpuUsPerDial')),
    (value) => percent(value('load')),
  ]);
  const [first] = figuresOf(results, 'dial');
  const ours = (name: string) => (first ? medianOf(results, 'dial', 'ours-ws', first.scenario, name) : null);
  const text = [
    `From the time at which a dial was meant to be sent to the ring on each of ${first?.scenario['devices']} devices, half of them on another node; ${short(ours('rate') ?? 0)} dials a second, which took our two nodes ${percent(ours('load'))} of a core over WebSocket; 30 % are aimed at. Then the same while a hub of ${short(Number(first?.scenario['hub']))} sockets on the same nodes is notified twice a second. For the bare loop a dial is a PUBLISH to the user's channel and a write to each device.`,
    '![p99 of a dial](FOLDER/dial.svg)',
    table([['', 'p50', 'p99', 'p99.9', 'CPU of the nodes per dial', 'load'], ...rows]),
  ];
  const bars = figuresOf(results, 'dial').map(({ subject, scenario }) => {
    const us = medianOf(results, 'dial', subject, scenario, 'p99Us');
    return bar(subject, `, ${scenario['meanwhile'] === 'nothing' ? 'alone' : 'hub'}`, us, duration(us));
  });
  const title = 'From dial to ring on another node, p99';
  return { title: 'Dial', text: text.join('\n\n'), plots: { 'dial.svg': barChart({ title, bars }) } };
}

export function idleSection(results: Results): Section {
  const figures = figuresOf(results, 'idle');
  const rows = rowsOf(results, 'idle', () => '', [
    (value) => value('heapKb'),
    (value) => value('residentKb'),
    (value) => value('kernelKb'),
    (value) => value('cpuUsPerSecond'),
  ]);
  const ratios = figures.map(({ subject, scenario }) => {
    const ratio = toBare(results, 'idle', subject, scenario, 'residentKb');
    return ratio === null ? '–' : ratio.toFixed(2);
  });
  const sockets = short(Number(figures[0]?.scenario['sockets'] ?? 0));
  const head = ['', 'heap + external, KB', 'resident, KB', 'to bare', 'kernel, KB', 'CPU µs per second'];
  const text = [
    `What one of ${sockets} silent sockets takes, each with a user of its own: beyond the empty server, after two full collections. The kernel's part is for one end of the connection.`,
    '![Resident memory per idle socket](FOLDER/idle.svg)',
    table([head, ...rows.map((row, i) => [...row.slice(0, 3), ratios[i] ?? null, ...row.slice(3)])]),
  ];
  const bars = figures.map(({ subject, scenario }) => {
    const kb = medianOf(results, 'idle', subject, scenario, 'residentKb');
    return bar(subject, '', kb, `${short(kb ?? 0)} KB`);
  });
  const title = `Resident memory per idle socket, ${sockets} of them`;
  return { title: 'Idle', text: text.join('\n\n'), plots: { 'idle.svg': barChart({ title, bars }) } };
}

export function connectSection(results: Results): Section {
  const rows = rowsOf(results, 'connect', ({ meanwhile }) => `, meanwhile ${meanwhile}`, [
    (value) => value('openedPerSecond'),
    (value) => duration(value('cpuUsPerSocket')),
    ...percentiles,
  ]);
  const text = [
    `How fast sockets open (64 at a time, each a user of its own), and how late signals reach ${figuresOf(results, 'connect')[0]?.scenario['settled']} others meanwhile. Ours is open when nothing can be missed any more; the stock stacks cannot tell, and are counted when they have taken the subscription.`,
    table([['', 'opened per second', 'CPU per socket', "the others' p50", 'p99', 'p99.9'], ...rows]),
  ];
  return { title: 'Connect', text: text.join('\n\n'), plots: {} };
}

export function nodesSection(results: Results): Section {
  const figures = figuresOf(results, 'nodes');
  const subjects = subjectsOf(figures);
  const hubs = [...new Map(figures.map(({ scenario }) => [hubWords(scenario), scenario])).entries()];
  const tableOf = (cell: (value: (name: string) => number | null) => Cell) =>
    table([
      ['hub', ...subjects.map((subject) => subjectOf(subject).label)],
      ...hubs.map(([words, scenario]) => [
        words,
        ...subjects.map((subject) => cell((name) => medianOf(results, 'nodes', subject, scenario, name))),
      ]),
    ]);
  const parts = [
    'What one signal asks of Redis, beyond what goes on without it. Commands, those inside scripts included:',
    tableOf((value) => value('commands')),
    'Bytes into Redis / out of it:',
    tableOf((value) => `${short(value('bytesIn') ?? 0)} / ${short(value('bytesOut') ?? 0)}`),
    'CPU of Redis per signal / of all nodes together per delivery, in µs:',
    tableOf((value) => `${cpuText(value('redisCpuUs'))} / ${cpuText(value('nodesCpuUs'))}`),
  ];
  return { title: 'Nodes', text: parts.join('\n\n'), plots: {} };
}

/** In µs; a dash where it is less than what idle stretches differ by. */
function cpuText(us: number | null): string {
  return us === null || us < 0 ? '–' : short(us);
}

function hubWords({ nodes, sockets, on }: Scenario): string {
  return `${short(Number(sockets))} sockets on ${on === 'two' ? 'two of' : 'all'} ${nodes} nodes`;
}

export function slowSection(results: Results): Section {
  const rows = rowsOf(results, 'slow', ({ percent: share }) => `, ${share} % stalled`, [
    ...percentiles,
    (value) => value('heldMb'),
    (value) => value('grownMb'),
    (value) => percent(value('ended')),
  ]);
  const text = [
    `A hub of ${figuresOf(results, 'slow')[0]?.scenario['sockets']} receives 40 signals of 16 KB a second; some of its readers stop reading. Latency is that of the others; held is what is alive at the end, after two collections, while the stalled ones still do not read.`,
    table([['', 'p50', 'p99', 'p99.9', 'held, MB', 'most resident, MB', 'stalled ones ended'], ...rows]),
  ];
  return { title: 'Slow readers', text: text.join('\n\n'), plots: {} };
}

export function profileSection(results: Results): Section {
  const subjects = subjectsOf(figuresOf(results, 'profile'));
  const text = [
    'Self time of each function (V8’s sampling profiler) for one delivered signal, in µs, one signal at a time. A name without a file is native code: `(program)` is what runs outside of JavaScript, such as the event loop and the kernel on its behalf. A dash stands for less than the least that is shown. Sampling costs something itself: the ratios in *Fan-out* are those that count.',
    ...subjects.map((subject) => placesTable(results, subject)),
  ];
  return { title: 'Which line costs what', text: text.join('\n\n'), plots: {} };
}

/** What each place costs, by the size of the hub; the most expensive first. */
function placesTable(results: Results, subject: SubjectName): string {
  const figures = figuresOf(results, 'profile').filter((figure) => figure.subject === subject);
  const sizes = valuesOf(figures, 'sockets');
  const rows = valuesOf(figures, 'place').map((place) => ({
    place: String(place),
    costs: sizes.map((sockets) => medianOf(results, 'profile', subject, { sockets, place }, 'selfUs')),
  }));
  const dearest = ({ costs }: (typeof rows)[number]) => Math.max(...costs.map((cost) => cost ?? 0));
  const named = rows.filter(({ place }) => place !== elsewhere).toSorted((a, b) => dearest(b) - dearest(a));
  const others = rows.filter(({ place }) => place === elsewhere);
  const sums = sizes.map((_, i) => rows.reduce((sum, { costs }) => sum + (costs[i] ?? 0), 0));
  return table([
    [subjectOf(subject).label, ...sizes.map((size) => `hub of ${short(Number(size))}`)],
    ...named.map(({ place, costs }) => [`\`${place}\``, ...costs]),
    ...others.map(({ place, costs }) => [place, ...costs]),
    ['together', ...sums],
  ]);
}

function bar(subject: SubjectName, suffix: string, value: number | null, note: string) {
  const label = `${subjectOf(subject).label.replaceAll('`', '')}${suffix}`;
  return { label, color: colors[subject], value: value ?? 0, note };
}

function percent(share: number | null): string {
  return share === null ? '–' : `${short(share * 100)} %`;
}
