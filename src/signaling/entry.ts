import { createId } from './id.ts';
import type { Entry } from './ports.ts';
import type { Content, Envelope } from './signal.ts';
import { retentionOf, type Topic, userTopic } from './topic.ts';

/** An envelope, ready to be appended to a topic. */
export function entryFor(topic: Topic, envelope: Envelope): Entry {
  return { topic, body: JSON.stringify(envelope), retention: retentionOf(topic) };
}

/** What the service itself says in a user's topic. */
export function entryForUser(uid: string, content: Content): Entry {
  const sender = { id: createId('sig'), service: 'signaling.socket', hubId: null, origin: null };
  return entryFor(userTopic(uid), { ...sender, ...content });
}
