import { type Caller, requirePermission } from './caller.ts';
import { checkId, checkText } from './check.ts';
import { commitOnce } from './commit.ts';
import { entryFor } from './entry.ts';
import { badInput } from './errors.ts';
import { createId } from './id.ts';
import type { SignalingNode } from './node.ts';
import { originOf, ownAddress } from './origin.ts';
import type { HubCount } from './ports.ts';
import type { Envelope } from './signal.ts';
import { hubTopic } from './topic.ts';

export interface NotifyInput {
  readonly recipients: readonly string[];
  readonly socketId: string;
  readonly type?: string | null | undefined;
  readonly payload?: unknown;
  readonly clientMutationId?: string | null | undefined;
}

export interface NotifyPayload {
  readonly signalId: string;
  readonly type: string | null;
  readonly clientMutationId: string | null;
  /** The accepted input, with the origin that was written. */
  readonly input: object;
  /** Counted where somebody asks; beforehand for an answer that is kept for repetitions. */
  readonly hubs: Reach | (() => Promise<Reach>);
}

/** How far a signal was addressed, by recipient hub. */
type Reach = readonly (HubCount & { readonly hubId: string })[];

/**
 * Tells every socket of everyone who belongs to the recipient hubs, except the caller's own socket. A socket in several
 * of them is told once. Throws BAD_USER_INPUT, PAYLOAD_TOO_LARGE, FORBIDDEN (a recipient hub), IDEMPOTENCY_CONFLICT:
 * nothing was sent then; and UNAVAILABLE: it is not known.
 */
export function notify(
  node: SignalingNode,
  caller: Caller,
  hubId: string,
  input: NotifyInput,
): Promise<NotifyPayload> {
  return commitOnce<NotifyPayload>(node, caller, { mutation: 'notify', hubId, input }, async () => {
    const hubIds = recipientsOf(node, caller, input);
    const except = ownAddress(caller, input.socketId, 'input.socketId');
    const origin = originOf(caller.identity, except.socketId, null);
    const type = checkText(input.type, 'input.type');
    const payload = input.payload ?? null;
    const envelope: Envelope = {
      kind: 'HubNotification',
      id: createId('sig'),
      service: 'signaling.notify',
      hubId,
      origin,
      except,
      type,
      payload,
      recipients: hubIds,
    };
    const append = hubIds.map((id, i) => entryFor(hubTopic(id), { ...envelope, before: hubIds.slice(0, i) }));
    const answer = {
      signalId: envelope.id,
      type,
      clientMutationId: input.clientMutationId ?? null,
      input: { ...input, origin },
    };
    const reach = () => reachOf(node, hubIds);
    const isKept = answer.clientMutationId !== null;
    const result = isKept ? reach().then((hubs) => ({ ...answer, hubs })) : { ...answer, hubs: reach };
    return { change: { append }, result };
  });
}

/** The distinct recipient hubs, each checked. */
function recipientsOf(node: SignalingNode, caller: Caller, { recipients }: NotifyInput): string[] {
  const { recipients: most } = node.limits;
  if (recipients.length === 0) throw badInput('input.recipients', 'Name at least one hub.');
  if (recipients.length > most) throw badInput('input.recipients', `Name at most ${most} hubs.`);
  recipients.forEach((hubId, i) => {
    requirePermission(caller, checkId(hubId, `input.recipients[${i}]`), 'READ', `input.recipients[${i}]`);
  });
  return [...new Set(recipients)];
}

async function reachOf(node: SignalingNode, hubIds: readonly string[]): Promise<Reach> {
  const counts = await node.store.counts(hubIds);
  return hubIds.map((hubId) => ({ hubId, ...(counts.get(hubId) ?? { sockets: 0, nodes: 0 }) }));
}
