import { isDeepStrictEqual } from 'node:util';
import type { AcceptResult } from '../../src/signaling/accept.ts';
import type { Call } from '../../src/signaling/call.ts';
import { isParty, otherSide } from '../../src/signaling/call-document.ts';
import { type CallView, callView } from '../../src/signaling/call-view.ts';
import type { Identity } from '../../src/signaling/caller.ts';
import type { DialInput, DialPayload } from '../../src/signaling/dial.ts';
import { SignalingError } from '../../src/signaling/errors.ts';
import { type Command, devicesPerUser, type Side, userCount } from './model-commands.ts';
import { type Doer, type Doing, doing, type ModelNode } from './model-doing.ts';
import type { ModelDevice, ModelSocket } from './model-sockets.ts';
import type { World } from './model-world.ts';

const uids = ['alice', 'bob', 'carol'].slice(0, userCount);

/** The users of the model, each with the devices they may ring on; the last has no name. */
export const users: ReadonlyMap<string, readonly ModelDevice[]> = new Map(
  uids.map((uid) => [
    uid,
    ['phone', 'desk', null]
      .slice(0, devicesPerUser)
      .map((kind) => ({ deviceId: kind && `${uid}-${kind}`, deviceLabel: kind && `The ${kind} of ${uid}` })),
  ]),
);

export const hubId = 'team';
const rooms = ['room-a', 'room-b'];

export function identityOf(uid: string, busy: Identity['busy'] = 'waiting'): Identity {
  return {
    uid,
    ident: null,
    firstname: null,
    lastname: null,
    fullname: null,
    email: null,
    hubs: new Map([[hubId, 3]]),
    busy,
    admin: false,
    issuedAt: 0,
    expiresAt: Date.UTC(2200, 0),
  };
}

/** Everybody who commands. */
export interface Players {
  /** Begins a command; what it does at the store waits in turn. */
  begin(command: Command): Promise<void>;
  connect(uid: string, device: number, node: ModelNode, resumes: boolean): void;
  /** Everything that was begun on a living node must have been answered. */
  checkAnswered(): void;
}

interface KeyedDial {
  readonly uid: string;
  readonly input: DialInput;
  readonly at: number;
  callId: string | undefined;
}

export function createPlayers(world: World, rejectsWhenBusy: boolean): Players {
  const { claim, clock, journal, sockets } = world;
  const waiting = new Set<Doing>();
  const keyed: KeyedDial[] = [];

  const identify = (uid: string): Identity =>
    identityOf(uid, rejectsWhenBusy && uid === uids[1] ? 'reject' : 'waiting');

  /** Runs something of a client's on a node; `mustWork`: asked when it was refused. */
  function run(
    node: ModelNode,
    what: string,
    parts: Partial<Pick<Doing, 'by' | 'isUnnamed' | 'opens'>>,
    task: (by: Doing) => Promise<void>,
    mayFail: (error: SignalingError) => boolean,
  ): void {
    const by: Doing = {
      by: null,
      isUnnamed: false,
      ...parts,
      what,
      node,
      began: world.turns.taken,
      committed: [],
    };
    world.tell(`> ${what} at ${node.name}`);
    waiting.add(by);
    void doing
      .run(by, () => task(by))
      .then(
        () => world.tell(`< ${what}`),
        (error: unknown) => {
          world.tell(`< ${what}: ${error instanceof Error ? error.message : error}`);
          world.count(error instanceof SignalingError ? `refused ${error.code}` : 'failed');
          const expected = error instanceof SignalingError && mayFail(error);
          claim(
            expected,
            `${what} fails with ${error instanceof SignalingError ? error.code : String(error)}`,
          );
        },
      )
      .finally(() => waiting.delete(by));
  }

  /** A result shows a state that was committed. */
  function checkView(what: string, view: CallView): void {
    const call = journal.at(view.id, view.rev);
    claim(call !== undefined && isDeepStrictEqual(view, callView(call)), `${what} shows what was committed`);
  }

  function connect(uid: string, place: number, node: ModelNode, resumes: boolean): void {
    const device = deviceAt(uid, place);
    const former = sockets.all.findLast((each) => each.device === device && each.cursor !== null);
    const socket = sockets.add(uid, device, node);
    const request = { ...device, after: resumes ? former?.cursor : null };
    run(
      node,
      `${uid} opens ${device.deviceId}`,
      { opens: socket },
      async () => {
        socket.socket = await node.signaling.open(identify(uid), request, socket.sink);
      },
      ({ code }) => code === 'UNAVAILABLE' && socket.left !== undefined,
    );
  }

  /** The newest socket of a device, or else of the user; open or not. */
  function newest(uid: string, device: ModelDevice, back = 0): ModelSocket | undefined {
    const own = sockets.all.filter((each) => each.uid === uid && each.socketId !== undefined);
    return own.filter((each) => each.device === device).at(-1 - back) ?? own.at(-1 - back);
  }

  function leave(place: number, by: 'leave' | 'closed'): void {
    const open = sockets.all.filter((each) => !each.left && each.node.alive).reverse();
    const socket = open[place % open.length];
    if (!socket) return;
    world.tell(`> ${socket.uid} ${socket.device.deviceId} ${by}`);
    const { signaling } = socket.node;
    if (by === 'leave') {
      sockets.left(socket, 'CLIENT');
      if (socket.socket) signaling.drop(socket.socket);
    } else if (socket.socket) signaling.close(socket.socket, 'SLOW_CONSUMER');
  }

  function dial(node: ModelNode, uid: string, dialled: KeyedDial, isFirst: boolean): void {
    const { input } = dialled;
    const what = `${uid} dials ${input.target.uid} from ${input.deviceId}`;
    const device = { uid, deviceId: input.deviceId ?? null, socketId: null };
    run(
      node,
      what,
      { by: device, isUnnamed: device.deviceId === null },
      async (by) => {
        const caller = await node.signaling.caller(identify(uid));
        const payload = await node.signaling.dial(caller, hubId, input);
        checkDialled(what, uid, payload, by, dialled, isFirst);
      },
      ({ code }) => code === 'CONFLICT',
    );
  }

  function checkDialled(
    what: string,
    uid: string,
    { call, merged, offline }: DialPayload,
    by: Doing,
    dialled: KeyedDial,
    isFirst: boolean,
  ): void {
    checkView(what, call);
    if (merged) world.count('merged');
    claim(call.caller === uid || (merged && call.callee === uid), `${what}: is in the call`);
    claim(offline === (call.reason === 'UNREACHABLE'), `${what}: offline`);
    claim(call.state !== 'RINGING' || call.caller === uid, `${what}: does not ring who dials`);
    const started = by.committed.some(({ id, rev }) => id === call.id && rev === 1);
    if (isFirst && !dialled.callId)
      claim(merged || started || dialled.input.clientMutationId !== null, `${what}: starts it`);
    const inTime = clock.now() - dialled.at < 5 * 60_000;
    if (dialled.input.clientMutationId !== null && inTime)
      claim((dialled.callId ?? call.id) === call.id, `${what}: the same call for the same key`);
    dialled.callId ??= call.id;
  }

  function sayVerb(node: ModelNode, command: Command & { kind: VerbName }): void {
    const call = callAt(command.call);
    if (!call) return;
    const uid = sideOf(call, command.side);
    const device = deviceAt(uid, command.device);
    const isFree = command.kind === 'decline' || command.kind === 'hangUp';
    const socket = command.everywhere && isFree ? null : newest(uid, device, command.former ? 1 : 0);
    if (socket === undefined) return;
    const socketId = socket?.socketId ?? null;
    const by = { uid, deviceId: socket?.device.deviceId ?? null, socketId };
    const what = `${uid} ${command.kind} ${call.id} with ${socketId}`;
    const wasOpen = socketId === null || sockets.isOpen(socketId);
    run(
      node,
      what,
      { by },
      async (own) => {
        const caller = await node.signaling.caller(identify(uid));
        const { accept, acknowledgeRing, decline, hangUp } = node.signaling;
        const request = { callId: call.id, socketId: socketId ?? '' };
        if (command.kind === 'accept') checkAnswer(what, by, await accept(caller, request));
        else if (command.kind === 'acknowledgeRing')
          checkChanged(what, await acknowledgeRing(caller, request), own);
        else if (command.kind === 'decline')
          checkChanged(what, await decline(caller, { ...request, socketId, busy: command.other }), own);
        else {
          const reason = command.other ? 'MEDIA_FAILED' : 'HANGUP';
          checkChanged(what, await hangUp(caller, { ...request, socketId, reason }), own);
        }
      },
      ({ code }) => {
        if (code === 'CONFLICT') return true;
        const kept = (journal.last(call.id)?.endedAt ?? clock.now()) > clock.now() - 23 * 60 * 60_000;
        if (code === 'NOT_FOUND') return !(isParty(call, uid) && kept);
        if (code !== 'BAD_USER_INPUT') return false;
        if (command.kind === 'accept' && uid === call.caller) return true;
        if (command.kind === 'hangUp' && uid === call.callee && socketId === null) return true;
        return !(wasOpen && (socketId === null || sockets.isOpen(socketId)));
      },
    );
  }

  function checkChanged(
    what: string,
    { call, changed }: { call: CallView; changed: boolean },
    own: Doing,
  ): void {
    checkView(what, call);
    const did = own.committed.some(({ id, rev }) => id === call.id && rev === call.rev);
    const late = call.reason === 'NO_ANSWER' || call.reason === 'EXPIRED';
    claim(changed === did || (did && late), `${what}: says whether it changed the call`);
  }

  /** The heart of it: who is told that they have the call has it, and everybody else is told who has. */
  function checkAnswer(what: string, by: Doer, result: AcceptResult): void {
    checkView(what, result.call);
    const call = journal.at(result.call.id, result.call.rev);
    const winner = call?.winner;
    if (result.kind === 'CallEnded') claim(call?.state === 'ENDED', `${what}: CallEnded, and it has`);
    else claim(call?.state === 'ACCEPTED', `${what}: ${result.kind}, and it was answered`);
    if (by.uid !== call?.callee) return;
    world.count(result.kind);
    const has = winner?.socketId === by.socketId && winner?.deviceId === by.deviceId;
    if (result.kind === 'Accepted') claim(has && result.polite, `${what}: Accepted, and has the call`);
    if (result.kind === 'AnsweredElsewhere') {
      claim(!has, `${what}: AnsweredElsewhere, and has not`);
      claim(isDeepStrictEqual(result.device, winner), `${what}: told which device has`);
    }
  }

  function say(node: ModelNode, command: Command & { kind: 'say' }): void {
    const call = callAt(command.call);
    const uid = call ? sideOf(call, command.side) : 'alice';
    const peer = call ? otherSide(call, uid) : 'bob';
    const device = deviceAt(uid, command.device);
    const own = command.namesSocket ? newest(uid, device) : undefined;
    const socketId = own?.socketId ?? null;
    const callId = command.namesCall && call ? call.id : null;
    const { word } = command;
    const target = {
      uid: peer,
      socketId: command.toSocket ? (newest(peer, deviceAt(peer, 0))?.socketId ?? null) : null,
    };
    const input = { target, type: word, callId, origin: { socketId }, role: 'CALLER' as const };
    const what = `${uid} says ${word} to ${peer}${callId ? ` about ${callId}` : ''} with ${socketId}`;
    const isUnnamed = callId === null;
    const wasOpen = sockets.isOpen(socketId);
    const meant = isUnnamed && word !== 'offer' && word !== 'candidate' ? onlyCall(uid, peer) : undefined;
    run(
      node,
      what,
      { by: { uid, deviceId: own?.device.deviceId ?? null, socketId }, isUnnamed },
      async (by) => {
        const caller = await node.signaling.caller(identify(uid));
        const payload = await node.signaling.message(caller, hubId, input);
        if (payload.call) checkView(what, payload.call);
        else claim(by.committed.length === 0, `${what}: shows the call it changed`);
        const still = meant && onlyCall(uid, peer);
        if (still && still.id === meant.id) claim(payload.call?.id === meant.id, `${what}: means their call`);
      },
      ({ code }) => {
        if (code === 'CONFLICT') return true;
        const kept = (journal.last(callId ?? '')?.endedAt ?? clock.now()) > clock.now() - 23 * 60 * 60_000;
        if (code === 'NOT_FOUND')
          return call !== undefined && callId !== null && !(isParty(call, uid) && kept);
        return code === 'BAD_USER_INPUT' && socketId !== null && !(wasOpen && sockets.isOpen(socketId));
      },
    );
  }

  function onlyCall(uid: string, peer: string): Call | undefined {
    const between = journal
      .open()
      .filter((call) => isParty(call, uid) && isParty(call, peer) && call.expiresAt > clock.now());
    return between.length === 1 ? between[0] : undefined;
  }

  function callAt(place: number): Call | undefined {
    return [...journal.calls.values()].at(-1 - place)?.at(-1) ?? [...journal.calls.values()].at(-1)?.at(-1);
  }

  /** Short moves happen while others are under way; long ones as the service would live through them. */
  async function advance(ms: number): Promise<void> {
    if (ms <= 12_000) return world.advance(ms);
    await world.turns.rest();
    const most = ms > 60 * 60_000 ? ms : 60_000;
    for (let left = ms; left > 0; left -= most) {
      await world.advance(Math.min(left, most));
      await world.turns.rest();
    }
  }

  function toDeadline(): number {
    const times = journal.open().map(({ expiresAt }) => expiresAt - clock.now());
    const next = Math.min(...times.filter((ms) => ms > 0));
    return next <= 2 * 60_000 ? next : 1;
  }

  async function begin(command: Command): Promise<void> {
    const { living } = world;
    const node = living[command.node % living.length];
    if (!node) return;
    switch (command.kind) {
      case 'dial':
        return beginDial(node, command);
      case 'redial': {
        const dialled = keyed.at(-1 - command.dial);
        if (dialled) dial(node, dialled.uid, dialled, false);
        return;
      }
      case 'say':
        return say(node, command);
      case 'connect':
        return connect(uids[command.user] ?? '', command.device, node, command.resumes);
      case 'leave':
      case 'closed':
        return leave(command.socket, command.kind);
      case 'advance':
        return advance(command.ms);
      case 'deadline':
        return world.advance(toDeadline());
      case 'die':
        if (living.filter(({ dying }) => !dying).length < 2) return;
        if (command.after) node.dying = true;
        else world.kill(node);
        return;
      case 'stall':
        world.tell(`${node.name} stalls`);
        return world.turns.stall(node.name, command.for);
      case 'rest':
        return world.turns.rest();
      default:
        return sayVerb(node, command);
    }
  }

  function beginDial(
    node: ModelNode,
    { from, to, device, ringSeconds, isKeyed }: Command & { kind: 'dial' },
  ): void {
    const uid = uids[from] ?? '';
    const input = {
      target: { uid: uids[(from + to) % userCount] ?? '' },
      roomId: rooms[device % 2] ?? '',
      roomType: 'video',
      deviceId: deviceAt(uid, device).deviceId,
      ringTimeoutSeconds: ringSeconds,
      clientMutationId: isKeyed ? `dial-${keyed.length}` : null,
    };
    const dialled: KeyedDial = { uid, input, at: clock.now(), callId: undefined };
    if (isKeyed) keyed.push(dialled);
    dial(node, uid, dialled, true);
  }

  return {
    begin,
    connect,
    checkAnswered() {
      for (const { what, node } of waiting) claim(!node.alive, `${what} is answered`);
    },
  };
}

type VerbName = 'acknowledgeRing' | 'accept' | 'decline' | 'hangUp';

function deviceAt(uid: string, place: number): ModelDevice {
  const device = users.get(uid)?.[place];
  if (!device) throw new Error(`${uid} has no device ${place}`);
  return device;
}

function sideOf({ caller, callee }: Call, side: Side): string {
  if (side === 'caller') return caller;
  if (side === 'callee') return callee;
  return uids.find((uid) => uid !== caller && uid !== callee) ?? callee;
}
