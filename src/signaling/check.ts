import { badInput, SignalingError } from './errors.ts';
import type { Limits } from './limits.ts';

/*
 * Checks of what clients send. Each returns the value it was given, or throws BAD_USER_INPUT with the field's name.
 */

const idPattern = /^[A-Za-z0-9_.~@:-]{1,128}$/;
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether this has the form of an id. */
export function isId(value: string): boolean {
  return idPattern.test(value);
}

/** Ids of users, hubs, rooms, devices, sockets, streams and calls, and idempotency keys. */
export function checkId(value: string, field: string): string {
  if (!isId(value)) {
    throw badInput(field, 'An id has 1 to 128 characters out of A-Z a-z 0-9 _ . ~ @ : -');
  }
  return value;
}

export function checkOptionalId(value: string | null | undefined, field: string): string | null {
  return value === null || value === undefined ? null : checkId(value, field);
}

/** Short words and labels: 1 to 128 characters without control characters. */
export function checkText(value: string | null | undefined, field: string): string | null {
  if (value === null || value === undefined) return null;
  if (value.length === 0 || value.length > 128 || /\p{Cc}/u.test(value)) {
    throw badInput(field, 'A text has 1 to 128 characters, none of them a control character.');
  }
  return value;
}

export function checkInteger(value: number, field: string, range: { least: number; most: number }): number {
  if (!Number.isInteger(value) || value < range.least || value > range.most) {
    throw badInput(field, `This must be a whole number from ${range.least} to ${range.most}.`);
  }
  return value;
}

/** A JSON value that is stored and passed on as it is. Throws PAYLOAD_TOO_LARGE when its text exceeds the limit. */
export function checkJson(value: unknown, field: string, limits: Limits): void {
  if (value === null || value === undefined) return;
  checkShape(value, field, limits.jsonDepth);
  if (Buffer.byteLength(JSON.stringify(value)) > limits.jsonBytes) {
    throw new SignalingError('PAYLOAD_TOO_LARGE', `A JSON value has at most ${limits.jsonBytes} bytes.`, {
      field,
    });
  }
}

function checkShape(value: unknown, field: string, levelsLeft: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (levelsLeft === 0) throw badInput(field, 'This JSON value is nested too deeply.');
  for (const [key, child] of Object.entries(value)) {
    if (forbiddenKeys.has(key)) throw badInput(field, `The key "${key}" is not allowed in a JSON value.`);
    checkShape(child, field, levelsLeft - 1);
  }
}
