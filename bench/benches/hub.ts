import { setTimeout as delay } from 'node:timers/promises';
import type { GeneratorApi, Schedule } from '../generator/api.ts';
import type { Remote } from '../rpc.ts';
import type { Generator, Stage } from '../run/stage.ts';
import { type SubjectName, subjectOf } from '../subjects.ts';

/* A hub on one node, warm and quiet, and how signals are sent to it. */

/** Deliveries per second: about a fifth of a core for the bare loop, and just within reach of the stock stacks. */
const deliveriesPerSecond = 20_000;

/** Connections that are silent longer are ended by servers, the sender's too. */
const longestIntervalUs = 4e6;

export interface Shape {
  readonly payloadBytes: number;
  readonly burst: number;
}

export const single: Shape = { payloadBytes: 400, burst: 1 };

export interface Hub {
  readonly subject: SubjectName;
  readonly sockets: number;
  readonly operations: number;
  readonly shapes: readonly Shape[];
  /** How long each shape is measured, and the idle server before. */
  readonly seconds: number;
}

/**
 * Warms the server up, opens the sockets, and collects: what is measured then does not pay for what that has left. Returns
 * their generator.
 */
export async function readyHub(hub: Hub, stage: Stage): Promise<Generator> {
  await warmUp(hub, stage);
  const generator = await stage.generator();
  await openHub(hub, generator.load, stage.urls);
  for (const { probe } of stage.servers) await probe.heap(null);
  await delay(sweepMs);
  return generator;
}

/**
 * Each shape is sent for so long before it is measured. After a full collection a process learns again what it knew: in a hub
 * of 1,000, a delivery of ours and of the bare loop cost a seventh more in the first three seconds than in the next.
 */
export const leadInSeconds = 2;

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

export function scheduleFor({ sockets }: Hub, { payloadBytes, burst }: Shape, seconds: number): Schedule {
  const intervalUs = Math.min((sockets * burst * 1e6) / deliveriesPerSecond, longestIntervalUs);
  const writes = Math.max(2, Math.round((seconds * 1e6) / intervalUs));
  return { to: 'hub', reach: sockets - 1, payloadBytes, burst, intervalUs, writes, awake: true };
}
