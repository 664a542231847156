import { setTimeout as delay } from 'node:timers/promises';
import type { Flow, Schedule } from '../generator/api.ts';
import { interleave, type Options, type Outcome } from '../run/bench.ts';
import { type Spent, spending } from '../run/cpu.ts';
import type { Sample, Scenario } from '../run/figures.ts';
import { mostSockets } from '../run/fits.ts';
import { expectWhole, latencyValues } from '../run/latency.ts';
import { progress } from '../run/progress.ts';
import { type Generator, type Stage, startStage } from '../run/stage.ts';
import type { SubjectName } from '../subjects.ts';

/*
 * From a dial on one node to the ring on each device, half of them on another node. The rate is what takes our two
 * nodes 30 % of a core, and the same for everyone: for the bare loop, a PUBLISH to the user's channel and a write.
 * Then again, while a hub of thousands on the same nodes is notified twice a second by another process.
 *
 * It is measured for two whole rounds of the 14 s in which our sockets are pinged, and for one with the hub. The peers do not
 * ping meanwhile: the bound is what a PUBLISH takes on nodes that do nothing else.
 */

interface Size {
  readonly users: number;
  readonly devices: number;
  readonly hub: number;
  readonly seconds: number;
}

const targetLoad = 0.3;

/** Dials per second while servers warm up, and while the rate is looked for; and the bounds of what is found. */
const rates = { warmUp: 250, trial: 100, least: 50, most: 1000 };

/** Of a second's dials: with a whole number of them, the same ones would meet whatever servers do four times a second. */
const offBeat = 0.618;

const hubSignalsPerSecond = 2;

/** Between warming up and measuring, in milliseconds. */
const quietMs = 4000;

/** Ours comes first: it sets the rate. */
const subjects: readonly SubjectName[] = ['ours-ws', 'bare', 'ours-sse', 'socketio', 'graphql-ws'];

export function dial(options: Options): Promise<Outcome> {
  const size = options.quick
    ? { users: 100, devices: 4, hub: 500, seconds: 2 }
    : { users: 500, devices: 4, hub: Math.min(10_000, mostSockets()), seconds: 28 };
  let rate: number | undefined;
  const cells = subjects.map((subject) => ({
    subject,
    label: `${size.devices} devices on two nodes`,
    mostRepetitions: subject === 'socketio' || subject === 'graphql-ws' ? 2 : undefined,
    async measure(repetition: number) {
      const { samples, rate: found } = await measure(subject, size, repetition, rate);
      rate ??= found;
      return samples;
    },
  }));
  return interleave(cells, options);
}

async function measure(
  subject: SubjectName,
  size: Size,
  repetition: number,
  given: number | undefined,
): Promise<{ samples: Sample[]; rate: number }> {
  const stage = await startStage(subject, { nodes: 2, peersPing: false });
  try {
    const [dialling, notifying] = await openBoth(stage, size);
    const rate = await warmUp(stage, dialling, size, given);
    await delay(quietMs);
    const schedule = scheduleFor(size, rate, size.seconds);
    const alone = await spending(stage.pids, () => dialling.load.run(schedule));
    const secondsWithHub = size.seconds / 2;
    await notifying.load.sip(null);
    const notified = notifying.load.run(hubSchedule(size, secondsWithHub));
    const besides = scheduleFor(size, rate, secondsWithHub);
    const crowded = await spending(stage.pids, () => dialling.load.run(besides));
    // What is still to be read comes after the dials.
    const hub = await notified;
    for (const flow of [alone.value, crowded.value, hub]) expectWhole(flow);
    const base = { devices: size.devices, hub: size.hub };
    const samples = [
      { scenario: { ...base, meanwhile: 'nothing' }, ...alone },
      { scenario: { ...base, meanwhile: 'hub notified' }, ...crowded },
    ].map(({ scenario, value, spent }) => sampleOf({ subject, scenario, repetition }, value, rate, spent));
    progress(`  the hub was notified ${hub.writes} times, ${hub.late} of them late`);
    return { samples, rate };
  } finally {
    await stage.stop();
  }
}

/** The devices, which one process dials and listens on, and the hub, which another one does. */
async function openBoth(stage: Stage, { users, devices, hub }: Size): Promise<[Generator, Generator]> {
  const plan = { dialect: stage.subject.dialect, urls: stage.urls, operations: 1, inFlight: 64 };
  const dialling = await stage.generator('first');
  const notifying = await stage.generator('last');
  await dialling.load.join({ ...plan, hubId: 'team', sockets: users * devices, devicesPerUser: devices });
  await notifying.load.join({ ...plan, hubId: 'hub', sockets: hub, devicesPerUser: 1 });
  await notifying.load.settle({ to: 'hub', reach: hub - 1 });
  await dialling.load.settle({ to: 'users', reach: devices });
  return [dialling, notifying];
}

/** Dials until the compilers have seen enough; returns the rate given, or the one that makes the load wanted. */
async function warmUp(
  stage: Stage,
  { load }: Generator,
  size: Size,
  given: number | undefined,
): Promise<number> {
  await load.run(scheduleFor(size, rates.warmUp, size.seconds));
  if (given !== undefined) return given;
  // The first trials are still a warm-up: a dial costs less in each than in the one before.
  const far = await tryRate(stage, load, size, rates.trial);
  const near = await tryRate(stage, load, size, far);
  const rate = await tryRate(stage, load, size, near);
  progress(`${rate} dials a second take our nodes ${targetLoad * 100} % of a core`);
  return rate;
}

/** Dials at a rate; returns the one that would have made the load wanted. */
async function tryRate(stage: Stage, load: Generator['load'], size: Size, trial: number): Promise<number> {
  const { spent } = await spending(stage.pids, () => load.run(scheduleFor(size, trial, size.seconds)));
  const loadThen = (spent.userUs + spent.systemUs) / 1e6 / spent.seconds;
  const rate = Math.round((trial * targetLoad) / loadThen);
  return Math.min(Math.max(rate, rates.least), rates.most) + offBeat;
}

function scheduleFor({ devices }: Size, rate: number, seconds: number): Schedule {
  return {
    ...{ to: 'users', reach: devices, payloadBytes: 400, burst: 1, awake: false },
    ...{ intervalUs: 1e6 / rate, writes: Math.round(rate * seconds) },
  };
}

function hubSchedule({ hub }: Size, seconds: number): Schedule {
  const writes = seconds * hubSignalsPerSecond;
  const intervalUs = 1e6 / hubSignalsPerSecond;
  return { to: 'hub', reach: hub - 1, payloadBytes: 400, burst: 1, intervalUs, writes, awake: false };
}

function sampleOf(
  about: { readonly subject: SubjectName; readonly scenario: Scenario; readonly repetition: number },
  flow: Flow,
  rate: number,
  { userUs, systemUs, seconds }: Spent,
): Sample {
  return {
    ...about,
    values: {
      rate,
      load: (userUs + systemUs) / 1e6 / seconds,
      // What notifying the hub costs is no part of a dial.
      cpuUsPerDial: about.scenario['meanwhile'] === 'nothing' ? (userUs + systemUs) / flow.signals : null,
      ...latencyValues(flow),
    },
  };
}
