import type { Bus, BusListener, Logged } from '../signaling/ports.ts';
import type { Topic } from '../signaling/topic.ts';

/** See the port. Entries are told in a later turn of the event loop, as they would be by a server. */
export type MemoryBus = Bus & { publish(entry: Logged): void };

export function createMemoryBus(): MemoryBus {
  const topics = new Set<Topic>();
  let listener: BusListener | undefined;
  let waiting: Logged[] = [];

  function publish(entry: Logged): void {
    if (!topics.has(entry.topic)) return;
    if (waiting.push(entry) === 1) setImmediate(tell);
  }

  function tell(): void {
    const entries = waiting;
    waiting = [];
    for (const entry of entries) if (topics.has(entry.topic)) listener?.onEntry(entry);
  }

  return {
    publish,
    listen: (told) => {
      listener = told;
    },
    subscribe: async (added) => {
      for (const topic of added) topics.add(topic);
    },
    settled: () => new Promise((resolve) => setImmediate(resolve)),
    announce: async (topic, body) => {
      if (topics.has(topic)) setImmediate(() => listener?.onNews(topic, body));
    },
    unsubscribe: (removed) => {
      for (const topic of removed) topics.delete(topic);
    },
  };
}
