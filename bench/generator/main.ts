import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { nowUs } from '../clock.ts';
import { serveCalls } from '../rpc.ts';
import type {
  CallFlow,
  CallLoad,
  CallPlan,
  Flow,
  GeneratorApi,
  Joined,
  JoinPlan,
  Schedule,
  Settling,
} from './api.ts';
import { Calls } from './calls/calls.ts';
import type { Member, Outgoing } from './dialects/dialect.ts';
import { dialects } from './dialects/table.ts';
import { Fleet, memberOf, uidOf } from './fleet.ts';
import { payloadText } from './mark.ts';
import { Meter } from './meter.ts';
import { keepTimes } from './schedule.ts';
import { Sender, type Template, templateOf } from './sender.ts';
import { readInSips } from './sips.ts';

/*
 * The load generator: a process of its own that opens raw sockets, sends signals at fixed times and counts what
 * arrives. It looks at no more of the bytes than it must, so that it costs less than what it measures.
 */

/**
 * So many people dial, one after the other. No two of them share a call with the same one before that has ended, and
 * nobody has more calls at once than people have: a prime, so that everybody comes to dial everybody.
 */
const callers = 4999;

/** How long deliveries may fail to come before the rest is given up as lost, in milliseconds. */
const patienceMs = 10_000;

const meter = new Meter();
let fleet: Fleet | undefined;
let plan: JoinPlan | undefined;
let sender: Sender | undefined;
/** How many dials were sent. */
let dials = 0;
let stalled: Fleet['connections'] = [];
let calls: Calls | undefined;

async function join(wanted: JoinPlan) {
  plan = wanted;
  fleet = new Fleet(wanted, meter);
  const joined = await fleet.join();
  meter.reset();
  return joined;
}

async function settle({ to, reach }: Settling): Promise<void> {
  const nextTemplate = templatesOf(to, 100);
  for (let attempt = 0; attempt < 30; attempt++) {
    meter.reset();
    senderOf().send([nextTemplate()], nowUs());
    if (await arrived(reach, { patience: 1000, awake: false })) return meter.reset();
  }
  throw new Error(`A signal reached ${meter.delivered} of ${reach} sockets. ${sender?.complaint}`);
}

async function run(schedule: Schedule): Promise<Flow> {
  const { writes, burst, awake, reach } = schedule;
  const nextTemplate = templatesOf(schedule.to, schedule.payloadBytes);
  const sending = senderOf();
  const refusedBefore = sending.refused;
  meter.reset();
  // It has its collection behind it before anything depends on its times.
  globalThis.gc?.();
  const began = nowUs();
  let sent = 0;
  const late = await keepTimes(schedule, (timeUs) => {
    sending.send(Array.from({ length: burst }, nextTemplate), timeUs);
    sent += burst;
  });
  const expected = writes * burst * reach;
  await arrived(expected, { patience: patienceMs, awake });
  const refused = sending.refused - refusedBefore;
  const complaint = refused > 0 ? sending.complaint : '';
  const { delivered, bytes, reads } = meter;
  const seconds = (nowUs() - began) / 1e6;
  return {
    ...{ signals: sent, refused, complaint, late, writes, expected, delivered, seconds, bytes, reads },
    latency: meter.latency(),
  };
}

/** Waits for so many deliveries, as long as some keep coming. */
async function arrived(
  count: number,
  { patience, awake }: { patience: number; awake: boolean },
): Promise<boolean> {
  let seen = -1;
  let since = nowUs();
  while (meter.delivered < count) {
    if (meter.delivered !== seen) since = nowUs();
    else if (nowUs() - since > patience * 1000) return false;
    seen = meter.delivered;
    await (awake ? turn() : delay(2));
  }
  return true;
}

function senderOf(): Sender {
  sender ??= new Sender(plan?.urls[0] ?? '');
  return sender;
}

/** Gives the request of each signal that is sent: always the same for the hub, another for each dial. */
function templatesOf(to: Settling['to'], payloadBytes: number): () => Template {
  if (!plan || !fleet) throw new Error('Nobody has joined.');
  const { dialect, hubId, sockets, devicesPerUser, urls } = plan;
  const first = memberOf(plan, 0);
  const host = new URL(urls[0] ?? '').host;
  const payload = payloadText(payloadBytes);
  const templateFor = (signal: Omit<Outgoing, 'payload'>): Template =>
    templateOf(dialects[dialect].request({ ...signal, payload }, host));
  if (to === 'hub') {
    const senderSocketId = fleet.connections[0]?.socketId ?? '';
    const template = templateFor({ to: { hubId }, sender: first, senderSocketId });
    return () => template;
  }
  return () => {
    const sender: Member = { ...first, uid: `${hubId}-caller${dials % callers}` };
    const callee = uidOf(hubId, dials++ % (sockets / devicesPerUser));
    return templateFor({ to: { uid: callee }, sender, senderSocketId: 'none' });
  };
}

function sip(): void {
  readInSips(fleet?.connections ?? []);
}

function stall(sockets: number): number {
  stalled = sockets > 0 ? (fleet?.connections.slice(-sockets) ?? []) : [];
  for (const connection of stalled) connection.pause();
  return stalled.length;
}

async function resume(): Promise<number> {
  for (const connection of stalled) connection.resume();
  // What the kernel still holds comes before the end of a connection.
  await delay(2000);
  return stalled.filter((connection) => connection.ended).length;
}

function meet(wanted: CallPlan): Promise<Joined> {
  calls = new Calls(wanted);
  return calls.join();
}

async function call(load: CallLoad): Promise<CallFlow> {
  if (!calls) throw new Error('Nobody has met.');
  return calls.run(load);
}

serveCalls({ join, settle, run, sip, stall, resume, meet, call } satisfies GeneratorApi);
