import { setTimeout as delay } from 'node:timers/promises';
import type { Flow } from '../generator/api.ts';
import { type Cell, interleave, type Options, type Outcome } from '../run/bench.ts';
import { aboveIdle } from '../run/cpu.ts';
import type { Sample } from '../run/figures.ts';
import { fits } from '../run/fits.ts';
import { expectWhole, latencyValues } from '../run/latency.ts';
import { startStage } from '../run/stage.ts';
import { type Watched, watching } from '../run/watch.ts';
import type { SubjectName } from '../subjects.ts';
import { type Hub, leadInSeconds, readyHub, type Shape, scheduleFor, single } from './hub.ts';

/*
 * What one signal to a hub costs the server, per socket that receives it. One node; the sockets, the sender and the
 * servers' Redis are the same for everyone.
 */

const small: readonly Shape[] = [single, { payloadBytes: 400, burst: 10 }];
const large: readonly Shape[] = [
  { payloadBytes: 4096, burst: 1 },
  { payloadBytes: 4096, burst: 10 },
];

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
const close: readonly SubjectName[] = ['bare', 'ours-ws', 'ours-sse', 'socketio', 'socketio-sharded'];

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
    mostRepetitions: isPromised(hub) ? undefined : 1,
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
    const { load } = await readyHub(hub, stage);
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
