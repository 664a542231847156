import type { BenchName } from '../benches/table.ts';
import type { Scenario, Spread } from '../run/figures.ts';
import type { SubjectName } from '../subjects.ts';
import { duration, short, table } from './markdown.ts';
import { medianOf, type Results, takenOf, together } from './results.ts';

/** A figure that the service promises to keep. */
interface Promised {
  readonly figure: string;
  readonly bound: string;
  readonly aim: string;
  /** Null when it was not measured. */
  readonly measured: string | null;
  /** What single repetitions had, and how many say something. */
  readonly spread: string;
  readonly holds: boolean;
}

/** The sizes that stand for small and large: what was measured decides. */
interface Sizes {
  readonly hubs: readonly number[];
  readonly idle: number;
  readonly slow: number;
}

const ours: readonly { subject: SubjectName; transport: string }[] = [
  { subject: 'ours-ws', transport: 'WebSocket' },
  { subject: 'ours-sse', transport: 'SSE' },
];

/** The table that the report begins with. */
export function mustShowTable(results: Results): string {
  const sizes = sizesOf(results);
  const promised = [
    ...sizes.hubs.flatMap((sockets) => fanoutPromises(results, sockets)),
    operationsPromise(results, sizes),
    ...idlePromises(results, sizes),
    ...dialPromises(results),
    redisPromise(results),
    ...slowPromises(results, sizes),
  ].flat();
  const rows = promised.map(({ figure, bound, aim, measured, spread, holds }) => [
    ...[figure, bound, aim, measured, spread],
    measured === null ? 'not measured' : holds ? 'holds' : '**does not hold**',
  ]);
  return table([['figure', 'bound', 'aim', 'median', 'single repetitions', ''], ...rows]);
}

function sizesOf(results: Results): Sizes {
  const size = (bench: BenchName, full: number, quick: number) => (results[bench]?.quick ? quick : full);
  return {
    hubs: results.fanout?.quick ? [1000] : [1000, 10_000],
    idle: size('idle', 10_000, 1000),
    slow: size('slow', 200, 100),
  };
}

function atMost(
  figure: string,
  value: Spread | undefined,
  { bound, aim, unit = '' }: { bound: number; aim?: number; unit?: string },
): Promised {
  const median = value?.median ?? null;
  return {
    figure,
    bound: `≤ ${bound}${unit}`,
    aim: aim === undefined ? '' : `${aim}${unit}`,
    measured: median === null ? null : `${short(median)}${unit}`,
    spread: spreadText(value, short),
    holds: median !== null && median <= bound,
  };
}

function spreadText(value: Spread | undefined, write: (value: number) => string): string {
  if (!value || value.least === null || value.most === null) return '';
  if (value.count === 1) return 'one';
  return `${value.count}: ${write(value.least)} to ${write(value.most)}`;
}

/** Socket.IO's two for Redis. */
const adapters = [
  { peer: 'socketio', adapter: 'Redis' },
  { peer: 'socketio-sharded', adapter: 'sharded Redis' },
] as const;

function fanoutPromises(results: Results, sockets: number): Promised[] {
  const single = { sockets, payloadBytes: 400, burst: 1, operations: 1 };
  const hub = `hub of ${short(sockets)}`;
  const bounds = { WebSocket: { bound: 1.05, aim: 0.95 }, SSE: { bound: 1, aim: 0.85 } };
  return ours.flatMap(({ subject, transport }) => {
    const of = `CPU per delivery, ${transport}, ${hub}`;
    const cpu = (of: SubjectName, scenario: Scenario) => takenOf(results, 'fanout', of, scenario, 'cpuUs');
    const ratio = (to: SubjectName, scenario: Scenario) =>
      together(cpu(subject, scenario), cpu(to, scenario), quotient);
    const bound = transport === 'SSE' ? bounds.SSE : bounds.WebSocket;
    const bursts = { ...single, burst: 10 };
    return [
      atMost(`${of}, to the bare loop`, ratio('bare', single), bound),
      atMost(`${of}, bursts of ten`, ratio('bare', bursts), { bound: 0.25, aim: 0.15 }),
      ...adapters.map(({ peer, adapter }) =>
        atMost(`${of}, to Socket.IO with its ${adapter} adapter`, ratio(peer, single), {
          ...{ bound: 0.85, aim: 0.7 },
        }),
      ),
    ];
  });
}

function operationsPromise(results: Results, { hubs }: Sizes): Promised[] {
  const sockets = hubs.at(-1) ?? 0;
  const shape = { sockets, payloadBytes: 400, burst: 1 };
  return ours.map(({ subject, transport }) => {
    const cpu = (operations: number) =>
      takenOf(results, 'fanout', subject, { ...shape, operations }, 'cpuUs');
    const figure = `100 operations to one, ${transport}, hub of ${short(sockets)}`;
    return atMost(figure, together(cpu(100), cpu(1), quotient), { bound: 1.15 });
  });
}

function idlePromises(results: Results, { idle: sockets }: Sizes): Promised[] {
  const at = short(sockets);
  return ours.flatMap(({ subject, transport }) => {
    const value = (name: string) => takenOf(results, 'idle', subject, { sockets }, name);
    const resident = transport === 'SSE' ? { bound: 22, aim: 14 } : { bound: 18, aim: 12 };
    const of = `per idle socket of ${at}, ${transport}`;
    return [
      atMost(`heap and external ${of}`, value('heapKb'), { bound: 9, aim: 6, unit: ' KB' }),
      atMost(`resident ${of}`, value('residentKb'), { ...resident, unit: ' KB' }),
      atMost(`CPU per second ${of}`, value('cpuUsPerSecond'), { bound: 2.5, aim: 1.5, unit: ' µs' }),
    ];
  });
}

function dialPromises(results: Results): Promised[] {
  const p99 = (subject: SubjectName, meanwhile: string) =>
    takenOf(results, 'dial', subject, { meanwhile }, 'p99Us');
  const published = p99('bare', 'nothing')?.median ?? null;
  return ours.flatMap(({ subject, transport }) => {
    const [alone, crowded] = [p99(subject, 'nothing'), p99(subject, 'hub notified')];
    const bound = published === null ? null : Math.max(published * 1.5, published + 3000);
    return [
      against(
        `dial → ring on two nodes, p99, ${transport}`,
        alone,
        bound,
        'max(1.5 ×, + 3 ms) of PUBLISH → socket',
      ),
      against(
        `the same, while a large hub is notified, ${transport}`,
        crowded,
        alone?.median == null ? null : alone.median + 10_000,
        '10 ms more',
      ),
    ];
  });
}

/** A latency against a bound that was measured in the same run. */
function against(figure: string, value: Spread | undefined, bound: number | null, words: string): Promised {
  const median = value?.median ?? null;
  return {
    figure,
    bound: bound === null ? words : `≤ ${duration(bound)} (${words})`,
    aim: '',
    measured: median === null || bound === null ? null : duration(median),
    spread: spreadText(value, duration),
    holds: median !== null && bound !== null && median <= bound,
  };
}

function redisPromise(results: Results): Promised[] {
  const sockets = results.nodes?.quick ? 200 : 10_000;
  const commands = (subject: SubjectName, count: number) =>
    medianOf(results, 'nodes', subject, { nodes: 2, sockets: count, on: 'all' }, 'commands');
  const [two, large, seed] = [
    commands('ours-ws', 2),
    commands('ours-ws', sockets),
    commands('seed', sockets),
  ];
  const known = two !== null && large !== null;
  return [
    {
      figure: `Redis commands per \`notify\`, hub of ${short(sockets)}`,
      bound: known ? `= ${Math.round(two)} (hub of two)` : 'as for a hub of two',
      aim: '',
      spread: 'one',
      measured: known ? `${Math.round(large)} (the seed's way: ${short(seed ?? 0)})` : null,
      // What the nodes say to Redis by themselves is subtracted, and leaves a fraction.
      holds: known && Math.abs(two - large) < 0.5,
    },
  ];
}

/**
 * What may be alive for a stalled reader at the end, in MB, beyond what is when none is stalled: it has been ended by then, as
 * the bare loop has ended it for its pings. Whoever ends nobody holds all that its stalled readers have not taken.
 */
const mostPerStalledMb = 0.1;

function slowPromises(results: Results, { slow: sockets }: Sizes): Promised[] {
  return ours.flatMap(({ subject, transport }) => {
    const value = (percent: number, name: string) =>
      takenOf(results, 'slow', subject, { sockets, percent }, name);
    const alone = value(0, 'p99Us')?.median ?? null;
    const bound = alone === null ? null : Math.max(alone * 1.2, alone + 2000);
    const beyond = together(value(10, 'heldMb'), value(0, 'heldMb'), difference);
    const mostMb = (sockets / 10) * mostPerStalledMb;
    const unit = ' MB';
    return [
      against(`10 % stalled: the others' p99, ${transport}`, value(10, 'p99Us'), bound, '+ 20 %, + 2 ms'),
      atMost(`10 % stalled: memory held beyond that without, ${transport}`, beyond, { bound: mostMb, unit }),
    ];
  });
}

function quotient(a: number, b: number): number {
  return a / b;
}

function difference(a: number, b: number): number {
  return a - b;
}
