import type { Figure } from '../run/figures.ts';
import { subjectOf } from '../subjects.ts';
import { colors } from './look.ts';
import { duration, short, table } from './markdown.ts';
import type { Results } from './results.ts';
import type { Section } from './section.ts';
import { barChart } from './svg.ts';

/** What a whole call costs, and how long its people wait for each other. */
export function callsSection(results: Results): Section {
  const figures = results.calls?.figures ?? [];
  const [closed, open] = ['closed', 'open'].map((loop) =>
    figures.filter(({ scenario }) => scenario['loop'] === loop),
  );
  const parts = [
    'A whole call: dial, ring, `acknowledgeRing`, `accept`, offer, answer, five candidates each way, `hangUp`. That is 16 mutations, their answers, and 21 signals on the two sockets, the changes of the call and the record of it among them; everything is waited for. Each user has one device and one connection. *WebSocket*: mutations go over the WebSocket that the signals come on, as graphql-ws clients send them. *SSE*: signals come as events, mutations go over an HTTP connection that is kept alive. The bare loop relays 21 messages of the same kind, published on the WebSocket in 17 requests; it knows no calls, checks nobody, and keeps nothing. On two nodes the two people of a call are on different ones.',
    '![CPU of the nodes for a whole call](FOLDER/calls.svg)',
    'As many as the nodes take, so many pairs always in a call. Per second: nodes and Redis share one core. Per core: whole calls for a second of CPU of the nodes, when Redis has a core of its own.',
    maximum(closed ?? []),
    'What a call asks of Redis. Commands, those inside scripts included:',
    redis(closed ?? []),
    latencyIntroduction(open ?? []),
    latencies(open ?? []),
  ];
  return { title: 'Calls', text: parts.join('\n\n'), plots: { 'calls.svg': plot(closed ?? []) } };
}

function maximum(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    nameOf(figure),
    median(figure, 'perSecond'),
    median(figure, 'perCore'),
    duration(median(figure, 'cpuUs')),
    figure.values['cpuUs']?.toBare?.toFixed(2) ?? '–',
    median(figure, 'unfinished'),
  ]);
  return table([['', 'calls per second', 'per core', 'CPU per call', 'to bare', 'gone wrong'], ...rows]);
}

function redis(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    nameOf(figure),
    median(figure, 'commands'),
    median(figure, 'bytesIn'),
    median(figure, 'bytesOut'),
    duration(median(figure, 'redisCpuUs')),
  ]);
  return table([['', 'commands', 'bytes in', 'bytes out', 'CPU of Redis'], ...rows]);
}

function latencyIntroduction(figures: readonly Figure[]): string {
  const [first] = figures;
  const rate = first ? median(first, 'rate') : null;
  return `At ${short(rate ?? 0)} calls a second, which take one of our nodes 30 % of a core (p50, p99). Dial → ring and dial → talk count from the time at which the dial was meant to leave, to the ring on the other side and to the last candidate; accept → told from the acceptance to the caller's \`CallUpdated\`.`;
}

function latencies(figures: readonly Figure[]): string {
  const pair = (figure: Figure, name: string) =>
    `${duration(median(figure, `${name}P50Us`))}, ${duration(median(figure, `${name}P99Us`))}`;
  const rows = figures.map((figure) => [
    nameOf(figure),
    pair(figure, 'ring'),
    pair(figure, 'told'),
    pair(figure, 'talk'),
    duration(median(figure, 'cpuUs')),
    `${short((median(figure, 'load') ?? 0) * 100)} %`,
    median(figure, 'unfinished'),
  ]);
  const head = [
    '',
    'dial → ring',
    'accept → told',
    'dial → talk',
    'CPU per call',
    'load of the nodes',
    'gone wrong',
  ];
  return table([head, ...rows]);
}

function plot(figures: readonly Figure[]): string {
  const bars = figures.map((figure) => {
    const us = median(figure, 'cpuUs');
    const label = nameOf(figure).replaceAll('`', '');
    return { label, color: colors[figure.subject], value: us ?? 0, note: duration(us) };
  });
  return barChart({ title: 'CPU of the nodes for a whole call, as many at once as they take', bars });
}

function nameOf({ subject, scenario }: Figure): string {
  return `${subjectOf(subject).label}, ${scenario['nodes'] === 1 ? 'one node' : 'two nodes'}`;
}

function median({ values }: Figure, name: string): number | null {
  return values[name]?.median ?? null;
}
