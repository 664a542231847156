/**
 * Where signals are appended: one topic per user, one per hub. A signal for one socket goes through its user's topic.
 * A hub's presence can be subscribed to like a topic, but nothing is ever appended to it.
 */
export type Topic = `user:${string}` | `hub:${string}` | `presence:${string}`;

export const userTopic = (uid: string): Topic => `user:${uid}`;
export const hubTopic = (hubId: string): Topic => `hub:${hubId}`;
export const presenceTopic = (hubId: string): Topic => `presence:${hubId}`;

/** The hub of a hub's topic, undefined for others. */
export function hubOf(topic: Topic): string | undefined {
  return topic.startsWith('hub:') ? topic.slice('hub:'.length) : undefined;
}

/** The hub whose presence is told under this name, undefined for others. */
export function presenceOf(topic: Topic): string | undefined {
  return topic.startsWith('presence:') ? topic.slice('presence:'.length) : undefined;
}

/** What a topic keeps for replays: whichever bound is reached first drops the oldest. */
export interface Retention {
  readonly entries: number;
  readonly bytes: number;
  /** The whole topic is forgotten this long after its last entry. */
  readonly idleMs: number;
}

const megabytes = 1024 * 1024;
const minutes = 60_000;
const userRetention: Retention = { entries: 1000, bytes: 4 * megabytes, idleMs: 10 * minutes };
const hubRetention: Retention = { entries: 1000, bytes: 4 * megabytes, idleMs: 2 * minutes };

export function retentionOf(topic: Topic): Retention {
  return hubOf(topic) === undefined ? userRetention : hubRetention;
}
