import { subjectOf } from '../subjects.ts';
import { colors } from './look.ts';
import { duration, short, table } from './markdown.ts';
import { medianOf, type Results, subjectsOf, toBare, valuesOf } from './results.ts';
import type { Section } from './section.ts';
import { lineChart } from './svg.ts';

/** What a delivery costs, by the size of the hub, the rhythm, the payload and the number of documents. */
export function fanoutSection(results: Results): Section {
  const parts = [
    'All CPU time of the server process for one delivered signal, pings included, which only ours sends meanwhile, in µs, and in parentheses its ratio to the bare loop of the same repetition. 400 bytes of payload, one document.',
    '![CPU per delivery over the size of the hub](FOLDER/fanout.svg)',
    'One signal at a time:',
    bySize(results, 1),
    'Ten signals that leave together:',
    '![The same in bursts of ten](FOLDER/bursts.svg)',
    bySize(results, 10),
    'The same less what the idle server used before, one signal at a time and then ten together. That is too little where its caches were cold:',
    bySize(results, 1, 'aboveIdleUs'),
    bySize(results, 10, 'aboveIdleUs'),
    'The first two with the CPU of Redis itself, for ours writes the log before it delivers, and the others do not:',
    bySize(results, 1, 'withRedisUs'),
    bySize(results, 10, 'withRedisUs'),
    'Arrival after the time at which a signal was meant to be sent (p50, p99, p99.9), at 20,000 deliveries a second, one signal at a time:',
    latencies(results),
    'A larger payload, hub of 1,000:',
    byPayload(results),
    'Several documents instead of one, one signal at a time:',
    byOperations(results),
  ];
  return {
    title: 'Fan-out',
    text: parts.join('\n\n'),
    plots: { 'fanout.svg': plot(results, 1), 'bursts.svg': plot(results, 10) },
  };
}

/** All that the server used, what of it is above idle, or all with what Redis used. */
type CpuFigure = 'cpuUs' | 'aboveIdleUs' | 'withRedisUs';

const figures = (results: Results) => results.fanout?.figures ?? [];
const shape = { payloadBytes: 400, operations: 1 };

function bySize(results: Results, burst: number, name: CpuFigure = 'cpuUs'): string {
  const sizes = valuesOf(figures(results), 'sockets');
  const rows = subjectsOf(figures(results)).map((subject) => [
    subjectOf(subject).label,
    ...sizes.map((sockets) => cost(results, subject, { ...shape, sockets, burst }, name)),
  ]);
  return table([['', ...sizes.map((size) => `hub of ${short(Number(size))}`)], ...rows]);
}

function cost(
  results: Results,
  subject: Parameters<typeof subjectOf>[0],
  scenario: Readonly<Record<string, string | number>>,
  name: CpuFigure = 'cpuUs',
): string {
  const us = medianOf(results, 'fanout', subject, scenario, name);
  const ratio = toBare(results, 'fanout', subject, scenario, name);
  return us === null ? '–' : `${short(us)}${ratio === null ? '' : ` (${ratio.toFixed(2)})`}`;
}

function latencies(results: Results): string {
  const sizes = valuesOf(figures(results), 'sockets').filter((size) => Number(size) >= 1000);
  const rows = subjectsOf(figures(results)).map((subject) => [
    subjectOf(subject).label,
    ...sizes.map((sockets) => {
      const value = (name: string) =>
        duration(medianOf(results, 'fanout', subject, { ...shape, sockets, burst: 1 }, name));
      return `${value('p50Us')}, ${value('p99Us')}, ${value('p999Us')}`;
    }),
  ]);
  return table([['', ...sizes.map((size) => `hub of ${short(Number(size))}`)], ...rows]);
}

function byPayload(results: Results): string {
  const payloads = valuesOf(figures(results), 'payloadBytes');
  const columns = payloads.flatMap((payloadBytes) => [1, 10].map((burst) => ({ payloadBytes, burst })));
  const rows = subjectsOf(figures(results)).map((subject) => [
    subjectOf(subject).label,
    ...columns.map((column) => cost(results, subject, { sockets: 1000, operations: 1, ...column })),
  ]);
  const head = columns.map(
    ({ payloadBytes, burst }) => `${payloadBytes} B, ${burst === 1 ? 'single' : 'ten'}`,
  );
  return table([['', ...head], ...rows]);
}

function byOperations(results: Results): string {
  const counts = valuesOf(figures(results), 'operations');
  const several = figures(results).filter(({ scenario }) => scenario['operations'] !== 1);
  const rows = valuesOf(several, 'sockets').flatMap((sockets) =>
    subjectsOf(several).map((subject) => [
      `${subjectOf(subject).label}, hub of ${short(Number(sockets))}`,
      ...counts.map((operations) =>
        cost(results, subject, { sockets, payloadBytes: 400, burst: 1, operations }),
      ),
    ]),
  );
  return table([['', ...counts.map((count) => `${count} operation${count === 1 ? '' : 's'}`)], ...rows]);
}

function plot(results: Results, burst: number): string {
  const sizes = valuesOf(figures(results), 'sockets');
  const series = subjectsOf(figures(results)).flatMap((subject) => {
    const values = sizes.map((sockets) =>
      medianOf(results, 'fanout', subject, { ...shape, sockets, burst }, 'cpuUs'),
    );
    const label = subjectOf(subject).label.replaceAll('`', '');
    return values.every((value) => value === null) ? [] : [{ label, color: colors[subject], values }];
  });
  const xs = sizes.map((size) => short(Number(size)));
  const rhythm = burst === 1 ? 'one at a time' : 'ten together';
  return lineChart({ title: `CPU per delivered signal in µs, ${rhythm}, by sockets in the hub`, xs, series });
}
