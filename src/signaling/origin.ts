import { type Caller, type Identity, ownSocket } from './caller.ts';
import { checkId, checkOptionalId } from './check.ts';
import { badInput } from './errors.ts';
import type { SignalingNode } from './node.ts';
import type { Document, Put } from './ports.ts';
import type { Address, Origin } from './signal.ts';

/** What a client may say about where a message comes from. Who it is, the service writes. */
export interface OriginInput {
  readonly socketId?: string | null | undefined;
  readonly streamId?: string | null | undefined;
}

export function originOf(identity: Identity, socketId: string | null, streamId: string | null): Origin {
  const { uid, ident, firstname, lastname, fullname, email } = identity;
  return { uid, ident, firstname, lastname, fullname, email, socketId, streamId };
}

/** The address of the caller's own open socket. Throws BAD_USER_INPUT when it is not theirs. */
export function ownAddress(caller: Caller, socketId: string, field: string): Address {
  const { deviceId } = ownSocket(caller, checkId(socketId, field), field);
  return { socketId, uid: caller.identity.uid, deviceId };
}

/** A socket that owns media streams, as stored per stream and per socket. */
type StreamOwner = Pick<Address, 'socketId' | 'uid'>;

const streamTtlMs = 24 * 60 * 60 * 1000;
const streamDocumentId = (streamId: string): string => `stream:${streamId}`;
const streamsDocumentId = (socketId: string): string => `streams:${socketId}`;

/** The open socket that a stream belongs to, if any. */
export async function streamOwner(node: SignalingNode, streamId: string): Promise<string | undefined> {
  const document = await node.store.document(streamDocumentId(streamId));
  return document && (JSON.parse(document.body) as StreamOwner).socketId;
}

export interface StreamClaim {
  readonly expect: { id: string; rev: number }[];
  readonly put: Put[];
}

/**
 * What to commit so that the stream that a message names belongs to its socket: nothing when it does already. Throws
 * BAD_USER_INPUT when another open socket has it, or when the socket has as many as allowed.
 */
export async function claimStream(
  node: SignalingNode,
  caller: Caller,
  origin: OriginInput,
): Promise<StreamClaim> {
  const streamId = checkOptionalId(origin.streamId, 'input.origin.streamId');
  if (streamId === null) return { expect: [], put: [] };
  if (!origin.socketId)
    throw badInput('input.origin.socketId', 'A stream belongs to a socket: name your socket too.');
  const owner: StreamOwner = { socketId: origin.socketId, uid: caller.identity.uid };
  const stream = await node.store.document(streamDocumentId(streamId));
  const holder = stream && (JSON.parse(stream.body) as StreamOwner);
  if (holder?.socketId === owner.socketId) return { expect: [], put: [] };
  const held = holder && (await node.store.socket(holder.uid, holder.socketId));
  // Its owner may go on with it on another socket as soon as that one's connection has ended.
  if (held && (held.connected || holder.uid !== owner.uid)) {
    throw badInput('input.origin.streamId', 'This stream belongs to another open socket.');
  }
  const list = await node.store.document(streamsDocumentId(owner.socketId));
  const streamIds = list ? (JSON.parse(list.body) as string[]) : [];
  if (streamIds.length >= node.limits.streamsPerSocket) {
    throw badInput(
      'input.origin.streamId',
      `A socket names at most ${node.limits.streamsPerSocket} streams.`,
    );
  }
  return claim([
    [streamDocumentId(streamId), stream, owner],
    [streamsDocumentId(owner.socketId), list, [...streamIds, streamId]],
  ]);
}

function claim(changes: [id: string, present: Document | undefined, value: unknown][]): StreamClaim {
  const revised = changes.map(([id, present, value]) => ({
    id,
    rev: present?.rev ?? 0,
    body: JSON.stringify(value),
  }));
  return {
    expect: revised.map(({ id, rev }) => ({ id, rev })),
    put: revised.map(({ id, rev, body }) => ({ id, rev: rev + 1, body, ttlMs: streamTtlMs, live: [] })),
  };
}
