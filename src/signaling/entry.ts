import type { Entry } from './ports.ts';
import type { Envelope } from './signal.ts';
import { retentionOf, type Topic } from './topic.ts';

/** An envelope, ready to be appended to a topic. */
export function entryFor(topic: Topic, envelope: Envelope): Entry {
  return { topic, body: JSON.stringify(envelope), retention: retentionOf(topic) };
}
