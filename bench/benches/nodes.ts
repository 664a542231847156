import { setTimeout as delay } from 'node:timers/promises';
import type { Flow, Schedule } from '../generator/api.ts';
import { interleave, type Options, type Outcome } from '../run/bench.ts';
import { aboveIdle } from '../run/cpu.ts';
import type { Sample } from '../run/figures.ts';
import { mostSockets } from '../run/fits.ts';
import { expectWhole } from '../run/latency.ts';
import { type Stage, startStage } from '../run/stage.ts';
import { redisValues, type Watched, watching } from '../run/watch.ts';
import type { SubjectName } from '../subjects.ts';

/*
 * What one signal to a hub asks of Redis and of all nodes together: for a hub of two and a large one, on all nodes and
 * on two of them. Counts do not differ between repetitions.
 */

interface Hub {
  readonly sockets: number;
  readonly on: 'all' | 'two';
}

const subjects: readonly SubjectName[] = [
  'bare',
  'ours-ws',
  'socketio',
  'socketio-sharded',
  'socketio-streams',
  'graphql-ws',
  'seed',
];

/** All that our nodes ask of Redis periodically they have asked once by then: as often in one window as in another. */
const periodMs = 2000;

export function nodes(options: Options): Promise<Outcome> {
  const counts = options.quick ? [2, 4] : [2, 4, 8];
  const large = (nodeCount: number) =>
    Math.min(options.quick ? 200 : nodeCount === 2 ? 10_000 : 1000, mostSockets());
  const cells = counts.flatMap((nodeCount) =>
    subjects.map((subject) => ({
      subject,
      label: `${nodeCount} nodes`,
      measure: (repetition: number) => measure(subject, nodeCount, large(nodeCount), repetition),
    })),
  );
  // One says the same as five would.
  return interleave(cells, { ...options, repetitions: 1 });
}

async function measure(
  subject: SubjectName,
  nodeCount: number,
  large: number,
  repetition: number,
): Promise<Sample[]> {
  const stage = await startStage(subject, { nodes: nodeCount });
  const hubs: Hub[] = [
    { sockets: 2, on: 'all' },
    { sockets: large, on: 'all' },
    // With two nodes, two are all.
    ...(nodeCount > 2 ? [{ sockets: large, on: 'two' } as const] : []),
  ];
  try {
    const samples: Sample[] = [];
    for (const [index, hub] of hubs.entries()) {
      samples.push({
        ...{ subject, repetition },
        scenario: { nodes: nodeCount, ...hub },
        values: await notifyHub(stage, hub, `hub-${index}`),
      });
    }
    return samples;
  } finally {
    await stage.stop();
  }
}

async function notifyHub(stage: Stage, { sockets, on }: Hub, hubId: string): Promise<Sample['values']> {
  const urls = on === 'two' ? stage.urls.slice(0, 2) : stage.urls;
  const { load, stop } = await stage.generator();
  const plan = { dialect: stage.subject.dialect, devicesPerUser: 1, operations: 1, inFlight: 64 };
  await load.join({ ...plan, urls, sockets, hubId });
  await load.settle({ to: 'hub', reach: sockets - 1 });
  await load.run(scheduleFor(sockets, 5));
  const schedule = scheduleFor(sockets, 10);
  const window = () => delay(periodMs * Math.ceil((11 * schedule.intervalUs) / 1000 / periodMs));
  const idle = await watching(stage, window);
  const busy = await watching(stage, async () => (await Promise.all([load.run(schedule), window()]))[0]);
  await stop();
  expectWhole(busy.value);
  return valuesOf(busy, idle);
}

function scheduleFor(sockets: number, writes: number): Schedule {
  const intervalUs = Math.max(100_000, sockets * 50);
  return { to: 'hub', reach: sockets - 1, payloadBytes: 400, burst: 1, intervalUs, writes, awake: false };
}

function valuesOf(busy: Watched<Flow>, idle: Watched<unknown>): Sample['values'] {
  const { signals, delivered } = busy.value;
  const { userUs, systemUs } = aboveIdle(busy.spent, idle.spent);
  return {
    ...redisValues(busy, idle, signals),
    nodesCpuUs: (userUs + systemUs) / delivered,
  };
}
