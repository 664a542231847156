import { logCall } from './call-log.ts';
import type { Caller } from './caller.ts';
import { checkInteger, checkOptionalId, checkText } from './check.ts';
import { commitOnce, type Decision } from './commit.ts';
import { entryFor } from './entry.ts';
import { badInput } from './errors.ts';
import { createId } from './id.ts';
import type { SignalingNode } from './node.ts';
import { claimStream, type OriginInput, originOf, ownAddress } from './origin.ts';
import { callOf } from './party.ts';
import type { CallRole, Envelope, Origin, Scope, Target } from './signal.ts';
import { type Addressee, addresseeOf, checkTarget, scopeOf, type TargetInput } from './target.ts';
import { hubOf } from './topic.ts';

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
}

/** The parts of a message that say the same whoever receives it. */
type Words = Pick<
  Envelope & { kind: 'PeerMessage' },
  'type' | 'role' | 'duration' | 'callId' | 'generation' | 'payload'
>;

const longestCall = 24 * 60 * 60;

/**
 * Sends a message to one socket, to a user's sockets, or to a hub's, and writes the call log when the message ends a
 * call. Throws BAD_USER_INPUT, PAYLOAD_TOO_LARGE, FORBIDDEN (a target hub), NOT_FOUND (a call), IDEMPOTENCY_CONFLICT,
 * CONFLICT: nothing was sent then; and UNAVAILABLE: it is not known. A log that cannot be written fails nothing.
 */
export async function message(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  input: MessageInput,
): Promise<MessagePayload> {
  const request = { mutation: 'message', hubId, input } as const;
  const payload = await commitOnce(node, caller, request, () => decide(node, caller, hubId, input));
  await logCall(node, caller, hubId, input, payload.signalId);
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
  const ownSocketId = checkOptionalId(input.origin?.socketId, 'input.origin.socketId');
  const own = ownSocketId === null ? undefined : ownAddress(caller, ownSocketId, 'input.origin.socketId');
  const origin = originOf(caller.identity, own?.socketId ?? null, input.origin?.streamId ?? null);
  const stream = await claimStream(node, caller, input.origin ?? {});
  if (words.callId !== null) await callOf(node.store, caller, words.callId, 'input.callId');
  const addressee = await addresseeOf(node, caller, hubId, target);
  if (own && addressee.to?.socketId === own.socketId) {
    throw badInput(
      target.socketId ? 'input.target.socketId' : 'input.target.streamId',
      'This is the socket you send from.',
    );
  }
  const except = addressee.topic && hubOf(addressee.topic) !== undefined ? own : undefined;
  const envelope = envelopeOf({ hubId, origin, target, scope, words, addressee, except });
  const result = {
    signalId: envelope.id,
    type: words.type,
    clientMutationId: input.clientMutationId ?? null,
    input: { ...input, origin },
    scope,
    offline: addressee.offline,
  };
  return {
    change: { ...stream, append: addressee.topic ? [entryFor(addressee.topic, envelope)] : [] },
    result,
  };
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
