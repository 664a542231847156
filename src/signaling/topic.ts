/** Where signals are appended: one topic per user, one per hub. A signal for one socket goes through its user's topic. */
export type Topic = `user:${string}` | `hub:${string}`;

export const userTopic = (uid: string): Topic => `user:${uid}`;
export const hubTopic = (hubId: string): Topic => `hub:${hubId}`;

/** The hub of a hub's topic, undefined for a user's. */
export function hubOf(topic: Topic): string | undefined {
  return topic.startsWith('hub:') ? topic.slice('hub:'.length) : undefined;
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
