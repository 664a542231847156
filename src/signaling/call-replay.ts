import type { Call } from './call.ts';
import { liveCalls } from './call-document.ts';
import type { LegView } from './call-view.ts';
import { deviceKey } from './leg.ts';
import type { SignalingNode } from './node.ts';
import type { Logged, Opened } from './ports.ts';
import type { Signal } from './signal.ts';
import type { Socket } from './socket.ts';
import { userTopic } from './topic.ts';

/** The clocks of nodes and of the log may differ by this much, in milliseconds. */
const clockSkewMs = 10_000;

/**
 * What was sent to a user in their live calls, after a number and until a socket opened, oldest first: a device that joins late rings, and
 * gets the descriptions and candidates that are for it. All of it lies in the user's own topic; what the other side was
 * sent, this one wrote.
 */
export async function callsSoFar(
  node: SignalingNode,
  socket: Socket,
  opened: Opened,
  after: number,
): Promise<readonly Logged[]> {
  const calls = liveCalls(opened.user.live, node.clock.now());
  const [oldest] = calls;
  if (!oldest) return [];
  const since = Math.max(after, (oldest.createdAt - clockSkewMs) * 1000);
  const entries = await node.store.entries(userTopic(socket.uid), since);
  const byId = new Map(calls.map((call) => [call.id, call]));
  const ofCalls = entries.filter(
    (entry) => entry.number <= opened.number && concerns(socket, node.read(entry), byId),
  );
  const bytes = ofCalls.reduce((sum, { body }) => sum + body.length, 0);
  if (bytes <= mostBytes) return ofCalls;
  return ofCalls.filter((entry) => node.read(entry).envelope?.kind !== 'PeerMessage');
}

/** Over this, only rings and states are left, in bytes: what people wrote would make a new device slow to ring. */
const mostBytes = 1024 * 1024;

function concerns(socket: Socket, { envelope }: Signal, calls: ReadonlyMap<string, Call>): boolean {
  switch (envelope?.kind) {
    case 'IncomingCall':
    case 'CallUpdated':
      return calls.has(envelope.call.id);
    case 'PeerMessage': {
      const call = calls.get(envelope.callId ?? '');
      return call !== undefined && takesPart(socket, call);
    }
    default:
      return false;
  }
}

/** Whether the call's negotiation may be meant for a socket's device: once it was answered elsewhere, it is not. */
function takesPart({ uid, record }: Socket, call: Call): boolean {
  if (call.state === 'RINGING') return true;
  const device = uid === call.caller ? call.callerDevice : call.winner;
  const key = device ? deviceKey(device) : '';
  return key === '' || key === deviceKey(record);
}

/**
 * A replay as it stands at its end: of each call its newest state only, and no ring of one that does not ring any more
 * on this device. What people wrote to each other stays.
 */
export function compact(signals: readonly Signal[], deviceId: string | null = null): readonly Signal[] {
  const newest = new Map<string, Signal>();
  for (const signal of signals) {
    if (signal.envelope?.kind === 'CallUpdated') newest.set(signal.envelope.call.id, signal);
  }
  if (newest.size === 0) return signals;
  return signals.filter((signal) => {
    const { envelope } = signal;
    if (envelope?.kind === 'CallUpdated') return newest.get(envelope.call.id) === signal;
    return envelope?.kind !== 'IncomingCall' || rings(newest.get(envelope.call.id), deviceId);
  });
}

function rings(update: Signal | undefined, deviceId: string | null): boolean {
  if (update?.envelope?.kind !== 'CallUpdated') return true;
  const { call, legs } = update.envelope;
  const isRefused = ({ state }: LegView) => state === 'DECLINED' || state === 'BUSY';
  const refused = deviceId !== null && legs.some((leg) => leg.deviceId === deviceId && isRefused(leg));
  return call.state === 'RINGING' && !refused;
}
