import type { Actor, Call, Verb } from './call.ts';
import { findCall, liveCalls, otherSide } from './call-document.ts';
import { type Caller, openSockets, openSocketsNow } from './caller.ts';
import { hangUpOf } from './hang-up.ts';
import type { SignalingNode } from './node.ts';
import { findPair } from './pair.ts';

/*
 * The seed's clients say what happens to a call by the `type` of a message, mostly without naming the call. Where a call
 * is meant, the word is the verb.
 */

type Word = (call: Call, by: Actor, open: ReadonlySet<string>) => Verb | undefined;

const answer: Word = (call, by, open) =>
  by.uid === call.callee ? { verb: 'accept', by, open, byWord: true } : undefined;

const refuse =
  (busy: boolean): Word =>
  (call, by) => {
    if (by.uid === call.callee) return { verb: 'decline', by, everywhere: true, busy };
    return call.state === 'RINGING' ? { verb: 'hangUp', by, reason: 'HANGUP' } : undefined;
  };

const end: Word = (call, by, open) => {
  const verb = hangUpOf(call, by, 'HANGUP', open);
  return verb.verb === 'decline' ? { ...verb, everywhere: true } : verb;
};

const words: ReadonlyMap<string, Word> = new Map([
  ['pickup', answer],
  ['accept', answer],
  ['reject', refuse(false)],
  ['busy', refuse(true)],
  ['cancel', end],
  ['leave', end],
]);

export const isWord = (type: string | null | undefined): boolean => words.has(type ?? '');

/** What only an answer can be, from a client that never says that it answers: the called user's description. */
const unspoken: ReadonlyMap<string, Word> = new Map([['answer', answer]]);

/** A message, as far as it may speak of a call. */
export interface Spoken {
  readonly type: string | null;
  readonly callId: string | null;
  /** The user it goes to; null for a hub, and when nobody is reached. */
  readonly peer: string | null;
}

/** The call that a word means, and what it does to it. */
export interface Meaning {
  readonly call: Call;
  verb(by: Actor): Verb | undefined;
}

/** How long after its end a call is still what the word means, in milliseconds: both sides say that it is over. */
const echoMs = 60_000;

/**
 * The call that a message speaks of: the one it names, or the only live one between the two, or the one that has just
 * ended. Undefined when the message has no such word, or means no call.
 */
export async function meaningOf(
  node: SignalingNode,
  caller: Caller,
  { type, callId, peer }: Spoken,
): Promise<Meaning | undefined> {
  const word = words.get(type ?? '') ?? (callId === null ? unspoken.get(type ?? '') : undefined);
  if (!word) return undefined;
  const call = callId === null ? await callWith(node, caller, peer) : await findCall(node.store, callId);
  if (!call) return undefined;
  const isAnswered = word === answer && call.state === 'ACCEPTED';
  const open = isAnswered ? await openSocketsNow(node.store, caller) : openSockets(caller);
  return { call, verb: (by) => said(word(call, by, open), callId) };
}

/** Who names the call can be expected to keep its socket, or to come back: their talk is watched like any other. */
function said(verb: Verb | undefined, callId: string | null): Verb | undefined {
  return verb?.verb === 'accept' ? { ...verb, byWord: callId === null } : verb;
}

async function callWith(node: SignalingNode, caller: Caller, peer: string | null): Promise<Call | undefined> {
  const { uid } = caller.identity;
  if (peer === null || peer === uid) return undefined;
  const now = node.clock.now();
  const live = liveCalls(caller.record.live, now).filter((call) => otherSide(call, uid) === peer);
  if (live.length > 1) return undefined;
  if (live[0]) return findCall(node.store, live[0].id);
  const { call } = await findPair(node.store, uid, peer);
  // One whose time is over, and that nobody has ended yet, is ended by the word.
  const isRecent = call && (call.endedAt === null || call.endedAt > now - echoMs);
  return isRecent ? call : undefined;
}
