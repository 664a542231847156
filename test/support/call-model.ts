import { isDeepStrictEqual } from 'node:util';
import type { Call } from '../../src/signaling/call.ts';
import { isParty, otherSide } from '../../src/signaling/call-document.ts';
import type { CallRecord } from '../../src/signaling/history.ts';
import type { Scenario } from './model-commands.ts';
import type { ModelNode } from './model-doing.ts';
import { createPlayers, identityOf, type Players, users } from './model-players.ts';
import { createWorld, type World } from './model-world.ts';
import type { EngineName } from './service.ts';

/*
 * The model test of calls: nodes that share one store, people who do whatever they like on them, and a clock. Every step
 * at the store waits for its turn, so that nothing is too unlikely to happen; what must hold is looked at with each
 * commit, with each result, with each signal, and at the end.
 */

export interface ModelOptions {
  readonly engine: EngineName;
  readonly redisUrl: string;
}

/** Runs a scenario to the end of all its calls. Throws, with all that happened, when something did not hold. */
export async function runModel({ engine, redisUrl }: ModelOptions, scenario: Scenario): Promise<Ran> {
  const world = await createWorld({ engine, redisUrl, order: scenario.order, users });
  const players = createPlayers(world, scenario.rejectsWhenBusy);
  try {
    await gather(world, players);
    for (const command of scenario.commands) {
      await players.begin(command);
      await world.turns.give(command.turns);
      refuseFaults(world);
    }
    await comeToRest(world, players);
    await outlive(world);
    await checkEnd(world);
    refuseFaults(world);
    return { turns: world.turns.taken, calls: world.journal.calls.size, tally: world.tally };
  } catch (error) {
    world.claim(false, String(error));
    throw new Error(report(world));
  } finally {
    await world.stop();
  }
}

/** What a run was, to be counted. */
export interface Ran {
  readonly turns: number;
  readonly calls: number;
  readonly tally: ReadonlyMap<string, number>;
}

/** Who is there in the beginning: everybody on two devices. */
async function gather(world: World, { connect }: Players): Promise<void> {
  let place = 0;
  for (const uid of users.keys()) {
    for (const device of [0, 1]) {
      const node = world.nodes[place++ % world.nodes.length];
      if (node) connect(uid, device, node, false);
    }
  }
  await world.turns.rest();
}

function refuseFaults({ faults }: World): void {
  if (faults.length > 0) throw new Error('stopped at the first fault');
}

/** What was begun comes to its end, and everybody has heard of everything. */
async function comeToRest(world: World, players: Players): Promise<void> {
  await world.turns.rest();
  players.checkAnswered();
  world.sockets.checkHeard();
  await checkGrants(world);
  refuseFaults(world);
}

const second = 1000;
const day = 24 * 60 * 60 * second;

/** Enough time passes, with what is left of the nodes: in the end also the longest call is over. */
async function outlive(world: World): Promise<void> {
  for (const ms of [second, 60 * second, 60 * second, 60 * second, day]) {
    if (world.journal.open().length === 0) return;
    await world.advance(ms);
    await world.turns.rest();
    for (const call of world.journal.open())
      world.claim(call.expiresAt > world.clock.now(), `${call.id} ends when its time is over`);
  }
}

/** Everything is as if no call had ever been, but for its history. */
async function checkEnd(world: World): Promise<void> {
  const { claim, journal } = world;
  const node = witness(world);
  for (const { id } of journal.open()) claim(false, `${id} has ended`);
  claim(journal.timers.size === 0, 'no timer is left');
  claim(journal.rooms.size === 0, 'no grant is left');
  await checkGrants(world);
  world.sockets.checkHeard();
  for (const uid of users.keys()) {
    const caller = await answer(world, node.signaling.caller(identityOf(uid)));
    claim(caller.record.live.length === 0, `${uid} is on no live list`);
    claim(
      [...caller.record.access.keys()].every((field) => !field.startsWith('room:')),
      `${uid} has no grant of a room`,
    );
    const page = await answer(world, node.signaling.callHistory(caller, { first: 100 }));
    checkHistory(
      world,
      uid,
      page.edges.map((edge) => edge.node),
    );
  }
  const left = await world.deadlines();
  claim(left.length === 0, `no deadline is left: ${left.map(({ id }) => id)}`);
}

/** A room is open to who was called into it, exactly while such a call lives. */
async function checkGrants(world: World): Promise<void> {
  const { claim, journal } = world;
  const node = witness(world);
  const roomIds = new Set([...journal.calls.values()].flatMap(([first]) => first?.roomId ?? []));
  for (const roomId of roomIds) {
    for (const uid of users.keys()) {
      const { privilege } = await answer(world, node.signaling.roomAccess({ roomId, uid }));
      const live = journal.open().some((call) => call.roomId === roomId && call.callee === uid);
      claim(privilege > 0 === live, `${uid} may enter ${roomId} while called into it: ${privilege}`);
    }
  }
}

/** A node that is there to stay. */
function witness({ living }: World): ModelNode {
  const node = living.find(({ dying }) => !dying);
  if (!node) throw new Error('no node lives');
  return node;
}

async function answer<Value>(world: World, question: Promise<Value>): Promise<Value> {
  await world.turns.rest();
  return question;
}

/** One record of each call that has ended, right, and told as it is stored. */
function checkHistory({ claim, journal }: World, uid: string, rows: readonly CallRecord[]): void {
  const told = journal.logged.get(uid) ?? [];
  const byId = (a: CallRecord, b: CallRecord): number => (a.id < b.id ? -1 : 1);
  claim(
    isDeepStrictEqual([...rows].sort(byId), [...told].sort(byId)),
    `${uid}: the records that were told are those that are stored`,
  );
  for (const revisions of journal.calls.values()) {
    const call = revisions.at(-1);
    if (!call || !isParty(call, uid)) continue;
    const records = rows.filter(({ callId }) => callId === call.id);
    claim(records.length === 1, `${uid} has one record of ${call.id}`);
    for (const record of records) {
      const right = isDeepStrictEqual({ ...record, ...expectedOf(revisions, call, uid) }, record);
      claim(right, `${uid}: the record of ${call.id} is right: ${JSON.stringify(record)}`);
    }
  }
}

/** What a record must say, by the revisions of its call. */
function expectedOf(revisions: readonly Call[], call: Call, uid: string): Partial<CallRecord> {
  const answered = revisions.find(({ state }) => state === 'ACCEPTED');
  const rang = revisions[0]?.state === 'RINGING';
  const refused = call.reason === 'DECLINED' || call.reason === 'BUSY';
  const endedAt = call.endedAt ?? 0;
  return {
    peer: otherSide(call, uid),
    direction: uid === call.caller ? 'OUTGOING' : 'INCOMING',
    missed: uid === call.callee && rang && !answered && !refused,
    startedAt: call.createdAt,
    acceptedAt: answered?.acceptedAt ?? null,
    endedAt,
    duration: answered?.acceptedAt ? Math.round((endedAt - answered.acceptedAt) / second) : 0,
    ...(call.reason && { reason: call.reason }),
  };
}

/** What failed and everything before it, with names that a person can tell apart. */
function report({ faults, trace }: World): string {
  const names = new Map<string, string>();
  const text = [...new Set(faults), '', ...trace].join('\n');
  return text.replaceAll(/(call|sock|sig)_[\w-]{22}/g, (id, kind: string) => {
    const name = names.get(id) ?? `${kind}${names.size + 1}`;
    names.set(id, name);
    return name;
  });
}
