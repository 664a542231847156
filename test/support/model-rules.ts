import { isDeepStrictEqual } from 'node:util';
import type { Call, EndReason } from '../../src/signaling/call.ts';
import { otherSide } from '../../src/signaling/call-document.ts';
import { callView } from '../../src/signaling/call-view.ts';
import type { CallDevice } from '../../src/signaling/leg.ts';
import type { Change } from '../../src/signaling/ports.ts';
import type { Doing } from './model-doing.ts';
import type { Journal, Told } from './model-journal.ts';
import type { ModelSockets } from './model-sockets.ts';

/*
 * What must hold of each single commit that touches a call, whoever made it. Written from the promises (DESIGN.md,
 * section 7), not from the machine's own table.
 */

/** One call in one commit. */
export interface Step {
  readonly before: Call | undefined;
  readonly after: Call;
  readonly change: Change;
  /** The signals of the commit that speak of this call. */
  readonly told: readonly Told[];
  readonly doing: Doing;
  /** With this commit. */
  readonly journal: Journal;
  readonly sockets: ModelSockets;
  readonly now: number;
  /** It was answered by a client that knows of no calls: by a message that named none, or a dial that named no device. */
  readonly answeredUnnamed: boolean;
  /** What a user must not learn: the other users' devices and sockets. */
  secretsFrom(uid: string): readonly string[];
}

const order: Record<string, readonly string[]> = {
  none: ['RINGING', 'ENDED'],
  RINGING: ['RINGING', 'ACCEPTED', 'ENDED'],
  ACCEPTED: ['ACCEPTED', 'ENDED'],
  ENDED: [],
};

const fixed = ['id', 'hubId', 'roomId', 'roomType', 'caller', 'callee', 'createdAt', 'ringId'] as const;

const unanswered: readonly EndReason[] = [
  'CANCELLED',
  'DECLINED',
  'BUSY',
  'NO_ANSWER',
  'UNREACHABLE',
  'CALLER_LOST',
];

export const rules: readonly [sentence: string, holds: (step: Step) => boolean][] = [
  ['a revision follows on the one before', ({ before, after }) => after.rev === (before?.rev ?? 0) + 1],
  [
    'RINGING, then ACCEPTED, then ENDED, and nothing after it',
    ({ before, after }) => order[before?.state ?? 'none']?.includes(after.state) ?? false,
  ],
  [
    'who calls whom, where and since when never changes',
    ({ before, after }) => !before || fixed.every((field) => before[field] === after[field]),
  ],
  [
    'it was answered at most once',
    ({ before, after }) => !before?.acceptedAt || before.acceptedAt === after.acceptedAt,
  ],
  [
    'it is over when it has ended, for a reason that fits',
    ({ after: { state, reason, endedAt, acceptedAt } }) =>
      state === 'ENDED'
        ? endedAt !== null && reason !== null && unanswered.includes(reason) === (acceptedAt === null)
        : endedAt === null && reason === null,
  ],
  [
    'once answered it has one winner, before that none',
    ({ after }) => {
      const won = after.legs.filter(({ state }) => state === 'WON').length;
      const answered = after.acceptedAt !== null;
      return won === (answered ? 1 : 0) && (after.winner !== null) === answered;
    },
  ],
  [
    'an ended call has no leg that rings',
    ({ after }) => after.state === 'RINGING' || !after.legs.some(rings),
  ],
  ['only the called user answers, and in time', isRightlyAnswered],
  ['an answered call moves only to a device of its own, and only from a socket that is gone', isRightlyMoved],
  ['it ends only by who may end it', isRightlyEnded],
  ['nobody is lost who is there, nor before their time', isRightlyLost],
  [
    'one that was answered by a client that knows of no callId is never CONNECTION_LOST',
    ({ after, answeredUnnamed }) => !(answeredUnnamed && after.reason === 'CONNECTION_LOST'),
  ],
  ['two users have at most one live call', isAlone],
  ['it is on both lists of live calls until it ends', isListed],
  ['it has a deadline, and a grant of its room, until it ends', isKept],
  ['each side is told of each revision once, and of the end by a record', isTold],
  ['the commit’s records are the rows it writes', isRecorded],
  ['neither side learns of the other’s devices', isDiscreet],
];

const rings = ({ state }: Call['legs'][number]): boolean => state === 'SENT' || state === 'ALERTING';

const isOfDial = ({ envelope }: Told): boolean => envelope.service === 'signaling.dial';

function isRightlyAnswered({ before, after, doing }: Step): boolean {
  if (after.state !== 'ACCEPTED' || before?.state !== 'RINGING') return true;
  return doing.by?.uid === after.callee && (after.acceptedAt ?? 0) < before.expiresAt;
}

function isRightlyMoved({ before, after, told, sockets }: Step): boolean {
  if (before?.state !== 'ACCEPTED' || isDeepStrictEqual(before.winner, after.winner)) return true;
  if (after.state === 'ENDED') return false;
  if (told.some(isOfDial)) return true;
  const former = before.winner;
  return former?.deviceId === after.winner?.deviceId && !sockets.isOpen(former?.socketId ?? null);
}

function isRightlyEnded({ before, after, told, doing: { by }, sockets, answeredUnnamed }: Step): boolean {
  if (after.state !== 'ENDED' || after.endedAt === null) return true;
  // A client that knows of no callId says by another dial that its talk is over.
  if (answeredUnnamed && after.reason === 'HANGUP' && told.some(isOfDial)) return true;
  switch (after.reason) {
    case 'UNREACHABLE':
      return !before;
    case 'BUSY':
    case 'DECLINED':
      return before ? by?.uid === after.callee : after.reason === 'BUSY';
    case 'CANCELLED':
      return by?.uid === after.caller;
    case 'HANGUP':
    case 'MEDIA_FAILED':
      return by?.uid === after.caller || (by?.uid === after.callee && holds(after.winner, by, sockets));
    case 'NO_ANSWER':
    case 'EXPIRED':
      return after.endedAt >= (before?.expiresAt ?? Number.POSITIVE_INFINITY);
    default:
      return true;
  }
}

type Device = Pick<CallDevice, 'deviceId' | 'socketId'>;

/**
 * A leg that lost can never end a call. A word may come from nobody knows which; and of sockets without a device one may
 * succeed another that is gone.
 */
function holds(winner: Device | null, by: Device, sockets: ModelSockets): boolean {
  const [won, mine] = [keyOf(winner), keyOf(by)];
  if (won === mine || won === '' || mine === '') return true;
  return winner?.deviceId === null && by.deviceId === null && !sockets.isOpen(winner.socketId);
}

const keyOf = (device: Device | null): string => device?.deviceId ?? device?.socketId ?? '';

/** Milliseconds. */
const patience = { client: 10_000, service: 30_000, both: 120_000, one: 30 * 60_000 };

function isRightlyLost({ before, after, doing, sockets }: Step): boolean {
  if (!before || after.endedAt === null) return true;
  const { endedAt } = after;
  const { caller, callee } = before;
  const deviceId = (uid: string): string | null => deviceOf(before, uid)?.deviceId ?? null;
  const stayed = (uid: string): boolean => sockets.stayed(uid, deviceId(uid), doing.began);
  const left = (uid: string) => sockets.lastLeft(uid, deviceId(uid));
  const away = (uid: string): number => endedAt - (left(uid)[0]?.at ?? Number.NEGATIVE_INFINITY);
  if (after.reason === 'CALLER_LOST') {
    const byClient = left(caller).some(({ by }) => by === 'CLIENT');
    return !stayed(caller) && away(caller) >= (byClient ? patience.client : patience.service);
  }
  if (after.reason !== 'CONNECTION_LOST') return true;
  if (doing.by) return !stayed(otherSide(before, doing.by.uid));
  // Nobody looks for a caller who named no device.
  const gone = [caller, callee].filter((uid) => !stayed(uid) && (uid === callee || before.callerNamed));
  const aways = gone.map(away);
  return Math.max(...aways) >= patience.one || (gone.length === 2 && Math.min(...aways) >= patience.both);
}

function deviceOf(call: Call, uid: string): CallDevice | null {
  return uid === call.caller ? call.callerDevice : call.winner;
}

function isAlone({ after, journal, now }: Step): boolean {
  const pair = [after.caller, after.callee];
  const live = journal.open().filter(({ expiresAt }) => expiresAt > now);
  return live.filter(({ caller, callee }) => pair.includes(caller) && pair.includes(callee)).length <= 1;
}

function isListed({ after, change }: Step): boolean {
  const put = change.put?.find(({ id }) => id === `call:${after.id}`);
  const listed = after.state !== 'ENDED';
  const expected = [after.caller, after.callee].map((uid) => ({ uid, listed }));
  return put?.rev === after.rev && isDeepStrictEqual(put.live, expected);
}

function isKept({ after, journal }: Step): boolean {
  const open = after.state !== 'ENDED';
  const at = journal.timers.get(`call:${after.id}`);
  const granted = journal.rooms.has(`${after.callee} room:${after.roomId}/${after.id}`);
  return granted === open && (open ? at !== undefined && at <= after.expiresAt : at === undefined);
}

function isTold({ before, after, told }: Step): boolean {
  const of = (kind: string, uid: string): number =>
    told.filter(({ envelope, uid: to }) => envelope.kind === kind && to === uid).length;
  const views = told.every(
    ({ envelope }) => !('call' in envelope) || isDeepStrictEqual(envelope.call, callView(after)),
  );
  const each = [after.caller, after.callee].every((uid) => {
    const updates = of('CallUpdated', uid) === (before ? 1 : 0);
    return updates && of('CallLogged', uid) === (after.state === 'ENDED' ? 1 : 0);
  });
  const rung = !before && after.state === 'RINGING' ? 1 : 0;
  return views && each && of('IncomingCall', after.callee) === rung && of('IncomingCall', after.caller) === 0;
}

function isRecorded({ told, change }: Step): boolean {
  return told.every(({ uid, envelope }) => {
    if (envelope.kind !== 'CallLogged') return true;
    const { record } = envelope;
    const lists = [`history:${uid}`, `history:${uid}/${record.peer}`];
    return lists.every((list) => {
      const rows = (change.rows ?? []).filter((row) => row.list === list && row.id === record.id);
      return rows.length === 1 && isDeepStrictEqual(JSON.parse(rows[0]?.body ?? ''), record);
    });
  });
}

function isDiscreet({ told, secretsFrom }: Step): boolean {
  return told.every(({ uid, envelope }) => {
    const text = JSON.stringify({ ...envelope, origin: { ...envelope.origin, socketId: null } });
    return !secretsFrom(uid).some((secret) => text.includes(secret));
  });
}
