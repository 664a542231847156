import { type Call, holdsCall, transition, type Verb } from './call.ts';
import { changeOf, merged } from './call-change.ts';
import { readCall } from './call-document.ts';
import { logCall } from './call-log.ts';
import { type CallView, callView } from './call-view.ts';
import type { Caller } from './caller.ts';
import { checkInteger, checkOptionalId, checkText } from './check.ts';
import { commitOnce, type Decision } from './commit.ts';
import { inOrder, isNegotiating } from './descriptions.ts';
import { entryFor } from './entry.ts';
import { badInput } from './errors.ts';
import { createId } from './id.ts';
import { deviceKey } from './leg.ts';
import type { SignalingNode } from './node.ts';
import { claimStream, type OriginInput, originOf, ownAddress } from './origin.ts';
import { callOf } from './party.ts';
import type { Change } from './ports.ts';
import type { Address, CallRole, Envelope, Origin, Scope, Target } from './signal.ts';
import { type Addressee, addresseeOf, checkTarget, scopeOf, type TargetInput } from './target.ts';
import { hubOf } from './topic.ts';
import { actorOf, causeOf, knownDevice } from './verb.ts';
import { isWord, type Meaning, meaningOf } from './words.ts';

export interface MessageInput {
  readonly target?: TargetInput | null | undefined;
  readonly origin?: OriginInput | null | undefined;
  readonly scope?: Scope | null | undefined;
  readonly type?: string | null | undefined;
  readonly role?: CallRole | null | undefined;
  readonly duration?: number | null | undefined;
  readonly callId?: string | null | undefined;
  readonly generation?: number | null | undefined;
  readonly payload?: unknown;
  readonly clientMutationId?: string | null | undefined;
}

export interface MessagePayload {
  readonly signalId: string;
  readonly type: string | null;
  readonly clientMutationId: string | null;
  /** The accepted input, with the origin that was written. */
  readonly input: object;
  readonly scope: Scope;
  readonly offline: boolean;
  /** The call it acted on; null when it meant none. */
  readonly call: CallView | null;
  /** It waits for the description that it belongs to. */
  readonly held: boolean;
}

/** The parts of a message that say the same whoever receives it. */
type Words = Pick<
  Envelope & { kind: 'PeerMessage' },
  'type' | 'role' | 'duration' | 'callId' | 'generation' | 'payload'
>;

const longestCall = 24 * 60 * 60;

/**
 * Sends a message to one socket, to a user's sockets, or to a hub's. One that says a call's verb and means a call is that
 * verb; any other that ends a call writes the call log. Throws BAD_USER_INPUT, PAYLOAD_TOO_LARGE, FORBIDDEN (a target
 * hub), NOT_FOUND (a call), IDEMPOTENCY_CONFLICT, CONFLICT: nothing was sent then; and UNAVAILABLE: it is not known. A log
 * that cannot be written fails nothing.
 */
export async function message(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  input: MessageInput,
): Promise<MessagePayload> {
  const request = { mutation: 'message', hubId, input } as const;
  const send = () => commitOnce(node, caller, request, () => decide(node, caller, hubId, input));
  // What one user says of one call shares a document or two: on one node it waits for its turn instead of conflicting.
  const turn = input.callId && `${input.callId}/${caller.identity.uid}`;
  const payload = await (turn ? node.inTurn(turn, send) : send());
  if (!payload.call) await logCall(node, caller, hubId, input, payload.signalId);
  return payload;
}

async function decide(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  input: MessageInput,
): Promise<Decision<MessagePayload>> {
  const target = checkTarget(input.target);
  const scope = scopeOf(target, input.scope);
  const words = checkWords(input);
  const own = senderOf(caller, input);
  const origin = originOf(caller.identity, own?.socketId ?? null, input.origin?.streamId ?? null);
  const stream = await claimStream(node, caller, input.origin ?? {});
  const [call, addressee] = await Promise.all([
    words.callId === null ? null : callOf(node.store, caller, words.callId, 'input.callId'),
    addresseeOf(node, caller, hubId, target),
  ]);
  if (own && addressee.to?.socketId === own.socketId) {
    throw badInput(
      target.socketId ? 'input.target.socketId' : 'input.target.streamId',
      'This is the socket you send from.',
    );
  }
  const except = addressee.topic && hubOf(addressee.topic) !== undefined ? own : undefined;
  const envelope = envelopeOf({ hubId, origin, target, scope, words, addressee, except });
  const sending = { node, caller, words, own, call, addressee, envelope, target };
  const { change, ...effect } = await effectOf(sending);
  const result = {
    signalId: envelope.id,
    type: words.type,
    clientMutationId: input.clientMutationId ?? null,
    input: { ...input, origin },
    scope,
    offline: addressee.offline,
    ...effect,
  };
  return { change: merged(stream, change), result };
}

function senderOf(caller: Caller, { origin, type }: MessageInput): Address | undefined {
  const socketId = checkOptionalId(origin?.socketId, 'input.origin.socketId');
  if (socketId === null) return undefined;
  const known = isWord(type) ? inCall(caller, socketId) : undefined;
  return known ?? ownAddress(caller, socketId, 'input.origin.socketId');
}

/** Whoever lost the socket with which they are in a call may still hang up. */
function inCall({ identity: { uid }, record }: Caller, socketId: string): Address | undefined {
  const calls = record.live.map((body) => readCall({ body }));
  const known = calls.map((call) => knownDevice(call, uid, socketId)).find((device) => device !== undefined);
  return known && { socketId, uid, deviceId: known.deviceId };
}

/** A message that was checked. */
interface Sending {
  readonly node: SignalingNode;
  readonly caller: Caller;
  readonly words: Words;
  /** The sender's socket, if they named it. */
  readonly own: Address | undefined;
  /** The call that it names. */
  readonly call: Call | null;
  readonly target: Target;
  readonly addressee: Addressee;
  readonly envelope: Envelope;
}

type Effect = Pick<MessagePayload, 'call' | 'held'> & { readonly change: Change };

/** What a message does: act on a call, take its place in a negotiation, or only arrive. */
async function effectOf(sending: Sending): Promise<Effect> {
  const { node, caller, words, addressee, envelope, target } = sending;
  const peer = peerOf(addressee, target);
  const meaning = await meaningOf(node, caller, { ...words, peer });
  if (meaning) return acted(sending, meaning);
  const append = addressee.topic ? [entryFor(addressee.topic, envelope)] : [];
  const [entry] = append;
  // Of a call that has ended nothing follows that a candidate could wait for.
  if (!sending.call || sending.call.state === 'ENDED' || !entry || !isNegotiating(words.type))
    return { change: { append }, call: null, held: false };
  const { change, held } = await inOrder(node, {
    type: words.type,
    call: sending.call,
    sender: `${caller.identity.uid}/${sending.own?.deviceId ?? ''}`,
    generation: words.generation ?? 0,
    device: addressee.to ? deviceKey(addressee.to) : null,
    entry,
  });
  return { change, call: null, held };
}

function peerOf({ topic }: Addressee, { uid }: Target): string | null {
  return topic?.startsWith('user:') ? topic.slice('user:'.length) : uid;
}

/** Says the verb, and passes the word on: unless it comes from a device that has no part in the call, or too late. */
function acted({ node, caller, own, addressee, envelope }: Sending, { call, verb }: Meaning): Effect {
  const by = actorOf(caller, call, own?.socketId ?? null);
  const said = verb(by);
  const done = said && transition(call, said, node.clock.now());
  const isStale = said !== undefined && !done && call.state !== 'ENDED' && !isRepeated(call, said);
  const relay: Change = {
    append: addressee.topic && !isStale ? [entryFor(addressee.topic, envelope)] : [],
  };
  const change = done ? merged(relay, changeOf(done, causeOf(caller, 'message', by, done))) : relay;
  return { change, call: callView(done?.call ?? call), held: false };
}

/** Whoever has the call may say again that they answer. */
function isRepeated(call: Call, said: Verb): boolean {
  return said.verb === 'accept' && holdsCall(call, said.by, said.open);
}

function checkWords(input: MessageInput): Words {
  const { generation } = input;
  return {
    type: checkText(input.type, 'input.type'),
    role: input.role ?? null,
    duration: checkInteger(input.duration ?? 0, 'input.duration', { least: 0, most: longestCall }),
    callId: checkOptionalId(input.callId, 'input.callId'),
    generation:
      typeof generation === 'number'
        ? checkInteger(generation, 'input.generation', { least: 0, most: 2 ** 31 - 1 })
        : null,
    payload: input.payload ?? null,
  };
}

interface EnvelopeParts {
  readonly hubId: string;
  readonly origin: Origin;
  readonly target: Target;
  readonly scope: Scope;
  readonly words: Words;
  readonly addressee: Addressee;
  readonly except: Envelope['except'];
}

function envelopeOf({ addressee, words, ...parts }: EnvelopeParts): Envelope {
  return {
    kind: 'PeerMessage',
    id: createId('sig'),
    service: 'signaling.message',
    ...parts,
    ...words,
    to: addressee.to,
  };
}
