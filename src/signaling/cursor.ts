import { badInput } from './errors.ts';

/** A place in the log: the `number`-th point of the sequence's life called `epoch`. Written `epoch:number`. */
export interface Cursor {
  readonly epoch: string;
  /** Microseconds since 1970 when it was given out; always grows, never repeats. */
  readonly number: number;
}

export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}:${cursor.number}`;
}

/** Reads a cursor that a client sent. Throws BAD_USER_INPUT on anything this service cannot have written. */
export function parseCursor(text: string, field: string): Cursor {
  const match = /^([a-z0-9]{1,32}):([0-9]{1,16})$/.exec(text);
  const number = Number(match?.[2]);
  if (!match?.[1] || !Number.isSafeInteger(number)) {
    throw badInput(field, 'This is not a cursor of this service. Pass the `cursor` of a signal, as it was.');
  }
  return { epoch: match[1], number };
}
