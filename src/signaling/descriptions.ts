import type { Call } from './call.ts';
import { badInput } from './errors.ts';
import type { SignalingNode } from './node.ts';
import type { Change, Entry } from './ports.ts';

/*
 * A candidate is of no use before the description it belongs to (RFC 8838, section 4.2, lets it arrive early; browsers
 * throw). So one that comes early waits, and follows its description in the same commit.
 */

/** Where a description went, or a candidate is to go. */
interface Path {
  /** Which negotiation of the call. */
  readonly generation: number;
  /** The device it is for; null for all of the user's. */
  readonly device: string | null;
}

interface Held extends Path {
  readonly entry: Entry;
}

/** What one device has described in one call, and the candidates that wait for more. */
interface Descriptions {
  readonly sent: readonly Path[];
  readonly held: readonly Held[];
}

/** The most that may wait, in candidates and in bytes of their entries. */
const mostHeld = { count: 256, bytes: 256 * 1024 };

/** How long candidates wait, in milliseconds: as long as the log keeps what they would follow. */
const ttlMs = 24 * 60 * 60 * 1000;

/** A message of a call's negotiation. */
export interface Negotiating extends Path {
  readonly type: 'offer' | 'answer' | 'candidate';
  readonly call: Call;
  /** The sender: their uid, and their device's id; all that name none count as one. */
  readonly sender: string;
  readonly entry: Entry;
}

export function isNegotiating(type: string | null): type is Negotiating['type'] {
  return type === 'offer' || type === 'answer' || type === 'candidate';
}

/** The document that the messages of one sender in one call share. */
export const descriptionsId = (callId: string, sender: string): string => `descriptions:${callId}/${sender}`;

/** What to commit for such a message: itself with what waited for it, or nothing but that it waits. */
export async function inOrder(
  node: SignalingNode,
  message: Negotiating,
): Promise<{ change: Change; held: boolean }> {
  const id = descriptionsId(message.call.id, message.sender);
  const document = await node.store.document(id);
  const known: Descriptions = document ? (JSON.parse(document.body) as Descriptions) : { sent: [], held: [] };
  const rev = document?.rev ?? 0;
  const save = (next: Descriptions): Change => ({
    expect: [{ id, rev }],
    put: [{ id, rev: rev + 1, body: JSON.stringify(next), ttlMs, live: [] }],
  });
  if (message.type === 'candidate') {
    if (known.sent.some((path) => covers(path, message))) return { change: sent(message), held: false };
    return { change: save({ ...known, held: hold(known.held, message) }), held: true };
  }
  const path: Path = { generation: message.generation, device: message.device };
  const follows = known.held.filter((each) => covers(path, each));
  if (follows.length === 0 && known.sent.some((each) => isSame(each, path)))
    return { change: sent(message), held: false };
  const next = {
    sent: [...known.sent.filter((each) => !isSame(each, path)), path].slice(-mostHeld.count),
    held: known.held.filter((each) => !covers(path, each)),
  };
  return {
    change: { ...save(next), append: [message.entry, ...follows.map(({ entry }) => entry)] },
    held: false,
  };
}

function sent({ entry }: Negotiating): Change {
  return { append: [entry] };
}

/**
 * Whether whoever gets the candidate was sent the description: one for all devices is good for each of them.
 */
function covers(description: Path, candidate: Path): boolean {
  if (description.generation !== candidate.generation) return false;
  if (description.device === null || candidate.device === null) return true;
  return description.device === candidate.device;
}

function isSame(a: Path, b: Path): boolean {
  return a.generation === b.generation && a.device === b.device;
}

/** With one more that waits; where there are too many, those of older negotiations are of no use any more. */
function hold(held: readonly Held[], { generation, device, entry }: Negotiating): Held[] {
  const all = [...held, { generation, device, entry }];
  if (!isTooMuch(all)) return all;
  const present = all.filter((each) => each.generation >= generation);
  if (!isTooMuch(present)) return present;
  throw badInput('input.type', 'Too many candidates wait: send the offer or answer they belong to first.');
}

function isTooMuch(held: readonly Held[]): boolean {
  const bytes = held.reduce((sum, each) => sum + each.entry.body.length, 0);
  return held.length > mostHeld.count || bytes > mostHeld.bytes;
}
