import { isDeepStrictEqual } from 'node:util';
import type { Call } from '../../src/signaling/call.ts';
import { isParty } from '../../src/signaling/call-document.ts';
import { callView } from '../../src/signaling/call-view.ts';
import type { Opened } from '../../src/signaling/ports.ts';
import type { Signal } from '../../src/signaling/signal.ts';
import type { Sink, Socket } from '../../src/signaling/socket.ts';
import type { Claim, ModelNode } from './model-doing.ts';
import type { Journal } from './model-journal.ts';

/** What a user of the model rings on. */
export interface ModelDevice {
  readonly deviceId: string | null;
  readonly deviceLabel: string | null;
}

/** A socket as its client knows it. */
export interface ModelSocket {
  readonly uid: string;
  readonly device: ModelDevice;
  readonly node: ModelNode;
  readonly sink: Sink;
  socket: Socket | undefined;
  /** Known once the store has it. */
  socketId: string | undefined;
  /** The turn in which the store got it. */
  registeredIn: number;
  ready: boolean;
  cursor: string | null;
  left: { readonly turn: number; readonly at: number; readonly by: 'CLIENT' | 'SERVICE' } | undefined;
}

export interface ModelSockets {
  readonly all: readonly ModelSocket[];
  add(uid: string, device: ModelDevice, node: ModelNode): ModelSocket;
  /** The store has registered it. */
  registered(socket: ModelSocket, socketId: string, opened: Opened): void;
  left(socket: ModelSocket, by: 'CLIENT' | 'SERVICE'): void;
  isOpen(socketId: string | null): boolean;
  /** Whether a socket of this device (null: of any) has been open since that turn, and still is. */
  stayed(uid: string, deviceId: string | null, since: number): boolean;
  /**
   * How the device's sockets ended that ended last, the first of them first. Those of one minute count together: the time
   * moves in leaps, and between two leaps nobody looked who was still there.
   */
  lastLeft(uid: string, deviceId: string | null): NonNullable<ModelSocket['left']>[];
  /** Judges what the sockets were told since. */
  hear(): void;
  /** Sockets that are open must have heard of everything. */
  checkHeard(): void;
}

export interface ModelSocketsParts {
  readonly journal: Journal;
  readonly claim: Claim;
  now(): number;
  turn(): number;
}

export function createModelSockets(parts: ModelSocketsParts): ModelSockets {
  const all: ModelSocket[] = [];
  const ears = new Map<ModelSocket, Ear>();
  /** Redis may tell of a commit before it confirms it: what is heard is judged when it has. */
  let heard: (() => void)[] = [];

  function add(uid: string, device: ModelDevice, node: ModelNode): ModelSocket {
    const ear = createEar(uid, parts);
    const socket: ModelSocket = {
      uid,
      device,
      node,
      sink: {
        get gone() {
          return socket.left !== undefined || !node.alive;
        },
        write(signal) {
          if (socket.left || !node.alive) return;
          socket.ready = true;
          socket.cursor = signal.view.cursor ?? socket.cursor;
          heard.push(() => ear.hear(signal));
        },
        end: () => left(socket, 'SERVICE'),
        cut: () => left(socket, 'CLIENT'),
        writeNow: () => {},
        isClear: true,
      },
      socket: undefined,
      socketId: undefined,
      registeredIn: Number.POSITIVE_INFINITY,
      ready: false,
      cursor: null,
      left: undefined,
    };
    all.push(socket);
    ears.set(socket, ear);
    return socket;
  }

  function registered(socket: ModelSocket, socketId: string, { number }: Opened): void {
    socket.socketId = socketId;
    socket.registeredIn = parts.turn();
    ears.get(socket)?.cut(number);
  }

  function left(socket: ModelSocket, by: 'CLIENT' | 'SERVICE'): void {
    socket.left ??= { turn: parts.turn(), at: parts.now(), by };
  }

  const isThere = (socket: ModelSocket): boolean => socket.ready && !socket.left && socket.node.alive;
  const of = (uid: string, deviceId: string | null): ModelSocket[] =>
    all.filter(
      (each) => each.uid === uid && (deviceId === null || keyOf(each) === deviceId) && each.socketId,
    );

  return {
    all,
    add,
    registered,
    left,
    isOpen: (socketId) => all.some((each) => each.socketId === socketId && isThere(each)),
    stayed: (uid, deviceId, since) =>
      of(uid, deviceId).some((each) => isThere(each) && each.registeredIn < since),
    lastLeft(uid, deviceId) {
      const ends = of(uid, deviceId).flatMap(({ ready, left: end }) => (ready && end ? [end] : []));
      const last = Math.max(...ends.map(({ at }) => at));
      return ends.filter(({ at }) => at > last - 60_000).sort((a, b) => a.at - b.at);
    },
    hear() {
      const judging = heard;
      heard = [];
      for (const judge of judging) judge();
    },
    checkHeard() {
      for (const socket of all) if (isThere(socket)) ears.get(socket)?.checkHeard();
    },
  };
}

const keyOf = ({ device, socketId }: ModelSocket): string | undefined => device.deviceId ?? socketId;

/** Listens to what one socket is told, and compares it with what was committed. */
interface Ear {
  cut(number: number): void;
  hear(signal: Signal): void;
  checkHeard(): void;
}

function createEar(uid: string, { journal, claim, now }: ModelSocketsParts): Ear {
  let cutNumber = 0;
  let newest = -1;
  /** The user's calls at the cut. */
  let atCut = new Map<string, Call>();
  /** The last revision of each call that it was told of. */
  let known = new Map<string, number>();

  function cut(number: number): void {
    cutNumber = number;
    atCut = new Map(callsOf().map((call) => [call.id, call]));
    known = new Map(callsOf().map((call) => [call.id, call.rev]));
  }

  function callsOf(): Call[] {
    return [...journal.calls.values()].flatMap((revisions) => {
      const call = revisions.at(-1);
      return call && isParty(call, uid) ? [call] : [];
    });
  }

  function hear({ view, envelope, number }: Signal): void {
    if (view.kind === 'SocketReady') checkSnapshot(view['calls'] as { id: string }[]);
    if (number === null) return;
    claim(number > newest, `${uid}: signals come in ascending number`);
    newest = number;
    if (envelope?.kind !== 'IncomingCall' && envelope?.kind !== 'CallUpdated') return;
    const { id, rev } = envelope.call;
    const call = journal.at(id, rev);
    claim(
      call !== undefined && isDeepStrictEqual(envelope.call, callView(call)),
      `${uid}: is told what was committed`,
    );
    if (number <= cutNumber) checkReplayed(envelope.kind, id, rev);
    else checkLive(envelope.kind, id, rev, envelope.call.caller);
  }

  function checkSnapshot(calls: readonly { id: string }[]): void {
    const live = [...atCut.values()].filter((call) => call.state !== 'ENDED' && call.expiresAt > now());
    const expected = new Map(live.map((call) => [call.id, callView(call)]));
    const same = calls.every((view) => isDeepStrictEqual(view, expected.get(view.id)));
    claim(same && calls.length === expected.size, `${uid}: SocketReady shows the calls as they are`);
  }

  function checkReplayed(kind: string, id: string, rev: number): void {
    const call = atCut.get(id);
    if (kind === 'IncomingCall') claim(call?.state === 'RINGING', `${uid}: no stale ring is replayed`);
    else claim(call?.rev === rev, `${uid}: a replay tells the newest state of a call, and no other`);
  }

  function checkLive(kind: string, id: string, rev: number, caller: string): void {
    const before = known.get(id) ?? (kind === 'CallUpdated' && uid === caller ? 1 : 0);
    claim(rev === before + 1, `${uid}: hears of each revision once, in order: ${rev} after ${before}`);
    known.set(id, rev);
  }

  return {
    cut,
    hear,
    checkHeard() {
      for (const { id, rev, state, caller } of callsOf()) {
        if (rev === 1 && (state === 'ENDED' || caller === uid)) continue;
        claim(known.get(id) === rev, `${uid}: has heard everything: ${known.get(id)} of ${rev}`);
      }
    },
  };
}
