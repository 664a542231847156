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

/*
 * The load generator: a process of its own that opens raw sockets, sends signals at fixed times and counts what
 * arrives. It looks at no more of the bytes than it must, so that it costs less than what it measures.
 */

/** How long deliveries may fail to come before the rest is given up as lost, in milliseconds. */
const patienceMs = 10_000;

const meter = new Meter();
let fleet: Fleet | undefined;
let plan: JoinPlan | undefined;
let sender: Sender | undefined;
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
  const [template] = templatesOf(to, 100);
  if (!template) throw new Error('Nobody can send.');
  for (let attempt = 0; attempt < 30; attempt++) {
    meter.reset();
    senderOf().send([template], nowUs());
    if (await arrived(reach, { patience: 1000, awake: false })) return meter.reset();
  }
  throw new Error(`A signal reached ${meter.delivered} of ${reach} sockets. ${sender?.complaint}`);
}

async function run(schedule: Schedule): Promise<Flow> {
  const { writes, burst, awake, reach } = schedule;
  const templates = templatesOf(schedule.to, schedule.payloadBytes);
  const sending = senderOf();
  const refusedBefore = sending.refused;
  meter.reset();
  const began = nowUs();
  let sent = 0;
  const late = await keepTimes(schedule, (timeUs) => {
    const requests = Array.from({ length: burst }, () => templates[sent++ % templates.length] as Template);
    sending.send(requests, timeUs);
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

/** The requests that signals are sent with: one for the hub, or one for each user. */
function templatesOf(to: Settling['to'], payloadBytes: number): Template[] {
  if (!plan || !fleet) throw new Error('Nobody has joined.');
  const { dialect, hubId, sockets, devicesPerUser, urls } = plan;
  const first = memberOf(plan, 0);
  const caller: Member = { ...first, uid: `${hubId}-caller` };
  const common = { senderSocketId: fleet.connections[0]?.socketId ?? '', payload: payloadText(payloadBytes) };
  const signals: Outgoing[] =
    to === 'hub'
      ? [{ ...common, to: { hubId }, sender: first }]
      : Array.from({ length: sockets / devicesPerUser }, (_, user) => ({
          ...{ ...common, senderSocketId: 'none' },
          to: { uid: uidOf(hubId, user) },
          sender: caller,
        }));
  const host = new URL(urls[0] ?? '').host;
  return signals.map((signal) => templateOf(dialects[dialect].request(signal, host)));
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

serveCalls({ join, settle, run, stall, resume, meet, call } satisfies GeneratorApi);
