import { setTimeout as delay } from 'node:timers/promises';
import type { Flow, GeneratorApi, Schedule } from '../generator/api.ts';
import type { Remote } from '../rpc.ts';
import { type Cell, interleave, type Options, type Outcome } from '../run/bench.ts';
import { aboveIdle } from '../run/cpu.ts';
import type { Sample } from '../run/figures.ts';
import { fits } from '../run/fits.ts';
import { expectWhole, latencyValues } from '../run/latency.ts';
import { type Stage, startStage } from '../run/stage.ts';
import { type Watched, watching } from '../run/watch.ts';
import { type SubjectName, subjectOf } from '../subjects.ts';

/*
 * What one signal to a hub costs the server, per socket that receives it. One node; the sockets, the sender and the
 * servers' Redis are the same for everyone.
 */

/** Deliveries per second: about a fifth of a core for the bare loop, and just within reach of the stock stacks. */
const deliveriesPerSecond = 20_000;

/** Connections that are silent longer are ended by servers, the sender's too. */
const longestIntervalUs = 4e6;

interface Shape {
  readonly payloadBytes: number;
  readonly burst: number;
}

const single: Shape = { payloadBytes: 400, burst: 1 };
const small: readonly Shape[] = [single, { payloadBytes: 400, burst: 10 }];
const large: readonly Shape[] = [
  { payloadBytes: 4096, burst: 1 },
  { payloadBytes: 4096, burst: 10 },
];

interface Hub {
  readonly subject: SubjectName;
  readonly sockets: number;
  readonly operations: number;
  readonly shapes: readonly Shape[];
  /** How long each shape is measured, and the idle server before. */
  readonly seconds: number;
}

export function fanout(options: Options): Promise<Outcome> {
  const hubs = (options.quick ? quickHubs() : allHubs()).filter(({ sockets }) => fits(sockets));
  return interleave(hubs.map(cellOf), options);
}

const everyone: readonly SubjectName[] = [
  'bare',
  'ours-ws',
  'ours-sse',
  'socketio',
  'socketio-sharded',
  'graphql-ws',
  'yoga-sse',
];
const ours: readonly SubjectName[] = ['ours-ws', 'ours-sse'];

/** Those that are compared; the others are far off, and slow to measure in large hubs. */
const close: readonly SubjectName[] = ['bare', 'ours-ws', 'ours-sse', 'socketio'];

function quickHubs(): Hub[] {
  const seconds = 2;
  const hubs = [100, 1000].flatMap((sockets) =>
    everyone.map((subject) => ({ subject, sockets, operations: 1, shapes: small, seconds })),
  );
  const several = [10, 100].flatMap((operations) =>
    ours.map((subject) => ({ subject, sockets: 1000, operations, shapes: [single], seconds })),
  );
  return [...hubs, ...several];
}

function allHubs(): Hub[] {
  const hub = (subject: SubjectName, sockets: number, shapes = small, operations = 1): Hub => ({
    ...{ subject, sockets, shapes, operations },
    seconds: 5,
  });
  return [
    ...everyone.map((subject) => hub(subject, 100)),
    ...everyone.map((subject) => hub(subject, 1000, close.includes(subject) ? [...small, ...large] : small)),
    hub('socketio-streams', 1000),
    ...everyone.map((subject) => hub(subject, 4000, close.includes(subject) ? small : [single])),
    ...everyone.map((subject) => hub(subject, 10_000, close.includes(subject) ? small : [single])),
    ...ours.flatMap((subject) => [10, 100].map((count) => hub(subject, 1000, [single], count))),
    ...ours.map((subject) => hub(subject, 10_000, [single], 100)),
  ];
}

function cellOf(hub: Hub): Cell {
  const { subject, sockets, operations } = hub;
  return {
    subject,
    label: `a hub of ${sockets}, ${operations} operations`,
    mostRepetitions: isPromised(hub) ? undefined : close.includes(subject) ? 2 : 1,
    measure: (repetition) => measure(hub, repetition),
  };
}

/** What the service promises rests on these; the others show the way between them, and how far off peers are. */
function isPromised({ subject, sockets, operations }: Hub): boolean {
  const isMany = operations === 100 && sockets === 10_000;
  return close.includes(subject) && (isMany || (operations === 1 && [1000, 10_000].includes(sockets)));
}

async function measure(hub: Hub, repetition: number): Promise<Sample[]> {
  const stage = await startStage(hub.subject, { peersPing: false });
  try {
    await warmUp(hub, stage);
    const { load } = await stage.generator();
    await openHub(hub, load, stage.urls);
    // What is measured does not pay for collecting what opening and warming up have left.
    for (const { probe } of stage.servers) await probe.heap(null);
    await delay(sweepMs);
    const idle = await watching(stage, () => delay(hub.seconds * 1000));
    const samples: Sample[] = [];
    for (const shape of hub.shapes) {
      await load.run(scheduleFor(hub, shape, leadInSeconds));
      const schedule = scheduleFor(hub, shape, hub.seconds);
      const busy = await watching(stage, () => load.run(schedule));
      expectWhole(busy.value);
      samples.push(sampleOf(hub, shape, repetition, { busy, idle }));
    }
    return samples;
  } finally {
    await stage.stop();
  }
}

/**
 * Each shape is sent for so long before it is measured. After a full collection a process learns again what it knew: in a hub
 * of 1,000, a delivery of ours and of the bare loop cost a seventh more in the first three seconds than in the next.
 */
const leadInSeconds = 2;

/** A collection is swept in the background for half a second, in milliseconds: no part of being idle. */
const sweepMs = 1000;

/** So many signals to a hub of two, one a millisecond: compilers must have seen the way of a signal, not only deliveries. */
const warmUpSignals = 3000;

async function warmUp({ subject }: Hub, stage: Stage): Promise<void> {
  const { dialect } = subjectOf(subject);
  const { load, stop } = await stage.generator();
  const few = { sockets: 2, hubId: 'warm-up', devicesPerUser: 1, operations: 1, inFlight: 2 };
  await load.join({ dialect, urls: stage.urls, ...few });
  await load.settle({ to: 'hub', reach: 1 });
  const schedule = { reach: 1, payloadBytes: 400, burst: 1, intervalUs: 1000, writes: warmUpSignals };
  const { refused, complaint } = await load.run({ to: 'hub', awake: true, ...schedule });
  if (refused > 0) throw new Error(`It refuses signals to a hub of two. ${complaint}`);
  await stop();
}

/** Opens the sockets, and sends until the compilers have seen enough: 50,000 deliveries one by one, more in bursts. */
async function openHub(
  { subject, sockets, operations }: Hub,
  load: Remote<GeneratorApi>,
  urls: readonly string[],
): Promise<void> {
  const { dialect } = subjectOf(subject);
  await load.join({ dialect, urls, sockets, hubId: 'hub', devicesPerUser: 1, operations, inFlight: 64 });
  const reach = sockets - 1;
  await load.settle({ to: 'hub', reach });
  const warmUp = { to: 'hub', reach, payloadBytes: 400, awake: true } as const;
  const writes = Math.max(10, Math.ceil(50_000 / sockets));
  await load.run({ ...warmUp, burst: 1, intervalUs: sockets * 25, writes });
  await load.run({ ...warmUp, burst: 10, intervalUs: sockets * 250, writes: Math.ceil(writes / 3) });
}

function scheduleFor({ sockets }: Hub, { payloadBytes, burst }: Shape, seconds: number): Schedule {
  const intervalUs = Math.min((sockets * burst * 1e6) / deliveriesPerSecond, longestIntervalUs);
  const writes = Math.max(2, Math.round((seconds * 1e6) / intervalUs));
  return { to: 'hub', reach: sockets - 1, payloadBytes, burst, intervalUs, writes, awake: true };
}

interface Measured {
  readonly busy: Watched<Flow>;
  readonly idle: Watched<unknown>;
}

function sampleOf(hub: Hub, shape: Shape, repetition: number, measured: Measured): Sample {
  const { subject, sockets, operations } = hub;
  const { busy, idle } = measured;
  const { value: flow, spent, redis } = busy;
  const above = aboveIdle(spent, idle.spent);
  const { delivered } = flow;
  return {
    subject,
    repetition,
    scenario: { sockets, ...shape, operations },
    values: {
      cpuUs: (spent.userUs + spent.systemUs) / delivered,
      userUs: spent.userUs / delivered,
      systemUs: spent.systemUs / delivered,
      // Too little where an idle server, whose caches are cold, uses more than a busy one does beside its deliveries.
      aboveIdleUs: (above.userUs + above.systemUs) / delivered,
      // The server, and what it makes Redis do.
      withRedisUs: (spent.userUs + spent.systemUs + redis.cpuUs) / delivered,
      ...latencyValues(flow),
      bytes: flow.bytes / delivered,
      reads: flow.reads / delivered,
    },
  };
}
