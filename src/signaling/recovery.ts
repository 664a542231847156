import type { Cursor } from './cursor.ts';
import type { Cut, Logged, Opened } from './ports.ts';
import type { Topic } from './topic.ts';

export type RecoveryFailure = 'EPOCH' | 'TRIMMED' | 'WINDOW' | 'TOO_MUCH';

/** How a socket goes on: from its own cursor with all the entries after it, or from the cut with none. */
export interface Recovery {
  readonly recovered: boolean;
  readonly reason: RecoveryFailure | null;
  readonly cursor: Cursor;
  /** In ascending number. */
  readonly entries: readonly Logged[];
}

/** No record of a topic is kept longer, in milliseconds: an older cursor cannot be proven whole. */
const windowMs = 24 * 60 * 60 * 1000;

/** Recovery is whole or not at all: either everything after the cursor is there, or nothing is replayed, and said so. */
export function recover(
  opened: Opened,
  cursor: Cursor | undefined,
  since: ReadonlyMap<Topic, number>,
  now: number,
): Recovery {
  const cut = { epoch: opened.epoch, number: opened.number };
  if (!cursor) return { recovered: false, reason: null, cursor: cut, entries: [] };
  const reason = failure(opened, cursor, since, now);
  if (reason) return { recovered: false, reason, cursor: cut, entries: [] };
  const entries = opened.topics.flatMap((topic) => topic.entries).sort((a, b) => a.number - b.number);
  return { recovered: true, reason: null, cursor, entries };
}

function failure(
  opened: Opened,
  cursor: Cursor,
  since: ReadonlyMap<Topic, number>,
  now: number,
): RecoveryFailure | null {
  if (cursor.epoch !== opened.epoch || cursor.number > opened.number) return 'EPOCH';
  if (cursor.number / 1000 < now - windowMs) return 'WINDOW';
  if (opened.tooMuch) return 'TOO_MUCH';
  const whole = opened.topics.every((kept) =>
    isWhole(kept, Math.max(cursor.number, since.get(kept.topic) ?? 0)),
  );
  return whole ? null : 'TRIMMED';
}

/** Nothing is missing after a number: the oldest kept entry follows on it, or there is none to follow. */
export function isWhole({ last, entries }: Cut['topics'][number], after: number): boolean {
  const oldest = entries[0];
  return oldest ? oldest.previous <= after : last <= after;
}
