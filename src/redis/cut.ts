import type { Cut, Logged, Reading } from '../signaling/ports.ts';
import type { Topic } from '../signaling/topic.ts';

/** An entry of a stream, as Redis answers it: its id, and `previous`, `bytes`, `body` with their values. */
export type StreamEntry = [id: string, fields: [string, string, string, string, string, string]];

/** A topic as scripts/topics.lua answers it. */
export type TopicReply = [last: string, entries: StreamEntry[]];

/** What is to be read, as scripts/topics.lua reads it. */
export function planReading({ topics, epoch, limit }: Reading) {
  // As text: Lua would round them when it joins them to others.
  return { epoch, limit, after: topics.map(({ after }) => String(after)) };
}

export function cutOf(
  { topics }: Reading,
  epoch: string,
  number: string,
  tooMuch: number,
  kept: TopicReply[],
): Cut {
  return {
    epoch,
    number: Number(number),
    topics: topics.map(({ topic }, i) => ({
      topic,
      last: Number(kept[i]?.[0]),
      entries: (kept[i]?.[1] ?? []).map((entry) => loggedOf(topic, epoch, entry)),
    })),
    tooMuch: tooMuch === 1,
  };
}

export function loggedOf(topic: Topic, epoch: string, [id, [, previous, , , , body]]: StreamEntry): Logged {
  return { topic, epoch, number: Number.parseInt(id, 10), previous: Number(previous), body };
}
