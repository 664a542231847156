import { storeRoomGrant } from './access.ts';
import type { Call, CallChange, Transition } from './call.ts';
import { callDocumentId, putCall } from './call-document.ts';
import { callUpdate } from './call-view.ts';
import { nextLook } from './dead-man.ts';
import { entryFor } from './entry.ts';
import { callRecords, historyRows } from './history.ts';
import { createId } from './id.ts';
import type { Change, Entry } from './ports.ts';
import type { Origin } from './signal.ts';
import { userTopic } from './topic.ts';

/** What caused a change of a call. */
export interface Cause {
  /** Without `signaling.`: the mutation, or `call` for the service itself. */
  readonly service: 'call' | 'dial' | 'message' | 'acknowledgeRing' | 'accept' | 'decline' | 'hangUp';
  readonly origin: Origin | null;
}

/** The service itself, by a deadline. */
export const byService: Cause = { service: 'call', origin: null };

/** Everything that a transition commits: the call, its deadline, both sides' signals, and at its end their records. */
export function changeOf({ call, change }: Transition, cause: Cause): Change {
  const next: Change = {
    expect: [{ id: callDocumentId(call.id), rev: call.rev - 1 }],
    put: [putCall(call)],
    timers: [{ id: callDocumentId(call.id), at: nextLook(call) }],
    append: [call.caller, call.callee].map((uid) => updateEntry(call, change, uid, cause)),
  };
  return call.state === 'ENDED' ? merged(next, ending(call, cause, [call.caller, call.callee])) : next;
}

/**
 * What the end of a call commits besides: the room is closed to who was invited, and each side's history gets its record.
 * `sides`: who learns of it.
 */
export function ending(call: Call, cause: Cause, sides: readonly string[]): Change {
  const records = callRecords(call).filter(({ owner }) => sides.includes(owner));
  return {
    access: [storeRoomGrant(call, null)],
    rows: records.flatMap(({ owner, record }) => historyRows(owner, record)),
    append: records.map(({ owner, record }) =>
      entryFor(userTopic(owner), { ...sender(call, cause), kind: 'CallLogged', record }),
    ),
  };
}

/** Separate entries for the two sides: neither is told of the other's devices. */
function updateEntry(call: Call, change: CallChange, uid: string, cause: Cause): Entry {
  const update = callUpdate(call, change, uid);
  return entryFor(userTopic(uid), { ...sender(call, cause), kind: 'CallUpdated', ...update });
}

function sender({ hubId }: Call, { service, origin }: Cause) {
  return { id: createId('sig'), service: `signaling.${service}`, hubId, origin };
}

/** Several changes as one; of what both set, the later one's counts. */
export function merged(...changes: readonly Change[]): Change {
  const all = <Field extends 'expect' | 'put' | 'append' | 'rows' | 'timers' | 'access'>(field: Field) =>
    changes.flatMap((change) => (change[field] ?? []) as NonNullable<Change[Field]>[number][]);
  return {
    expect: all('expect'),
    put: all('put'),
    append: all('append'),
    rows: all('rows'),
    timers: all('timers'),
    access: all('access'),
  };
}
