import type { Redis } from 'ioredis';
import type { Clock } from '../signaling/clock.ts';

/** How often a node tells itself something, in milliseconds: it must have heard it before the next time. */
const probeMs = 2000;

export interface ProbeParts {
  /** Publishes. */
  readonly redis: Redis;
  /** Is to hear it. */
  readonly subscriber: Redis;
  /** A channel of this node's own. */
  readonly channel: string;
  readonly clock: Clock;
  /** What was published did not arrive. */
  onDeaf(): void;
}

/**
 * Finds out whether what is published still arrives. A connection that only listens does not notice that it is dead, or
 * that it leads to a server on which nothing is published any more. Returns how to stop.
 */
export function startProbe({ redis, subscriber, channel, clock, onDeaf }: ProbeParts): () => void {
  /** Listening on the present connection. */
  let isListening = false;
  let told = 0;
  let heard = 0;

  async function listen(): Promise<void> {
    await subscriber.subscribe(channel);
    isListening = true;
  }

  function begin(): void {
    // Refused: the connection is lost again, and this comes again with the next.
    listen().catch(() => {});
  }

  function forget(): void {
    isListening = false;
    heard = told;
  }

  function hear(from: string, message: string): void {
    if (from === channel) heard = Number(message);
  }

  function probe(): void {
    if (!isListening) return;
    if (heard < told) {
      forget();
      onDeaf();
      return;
    }
    const next = told + 1;
    redis.publish(channel, String(next)).then(
      () => {
        if (isListening) told = next;
      },
      // Nothing was published: the other connection is the one that is away.
      () => {},
    );
  }

  subscriber.on('ready', begin).on('close', forget).on('message', hear);
  if (subscriber.status === 'ready') begin();
  const stop = clock.every(probeMs, probe);
  return () => {
    stop();
    subscriber.off('ready', begin).off('close', forget).off('message', hear);
  };
}
