import { RedisPubSub } from 'graphql-redis-subscriptions';
import type { Redis } from 'ioredis';
import type { Log } from '../signaling/log.ts';
import type { Bus, BusListener, Logged } from '../signaling/ports.ts';
import type { Topic } from '../signaling/topic.ts';
import { available } from './client.ts';
import type { Keys } from './keys.ts';

/** What is announced begins with this, and no entry does. */
const newsMark = '~';

/** See the port. `subscriber` is a connection of its own; `redis` publishes what is not logged. */
export function createRedisBus(subscriber: Redis, redis: Redis, keys: Keys, log: Log): Bus {
  const receiving = receiver(subscriber);
  const pubsub = new RedisPubSub({
    subscriber: receiving,
    publisher: receiving,
    deserializer: String,
  });
  const subscriptions = new Map<Topic, Subscription>();
  let listener: BusListener | undefined;

  async function subscribe(topics: readonly Topic[]): Promise<void> {
    await available(
      Promise.all(topics.map((topic) => (subscriptions.get(topic) ?? subscribeOne(topic)).confirmed)),
    );
  }

  function subscribeOne(topic: Topic): Subscription {
    const channel = keys.channel(topic);
    const confirmed = pubsub.subscribe(channel, (message: string) => tell(topic, message));
    // The library keeps a second promise, for those who ask for the channel meanwhile. Nobody does, and nobody would
    // handle its rejection: it would end the process when Redis is away.
    pubsub['subsPendingRefsMap'].get(channel)?.pending.catch(() => {});
    const subscription: Subscription = { confirmed, id: undefined };
    subscriptions.set(topic, subscription);
    confirmed.then(
      (id) => {
        [subscription.id, subscription.confirmed] = [id, undefined];
      },
      // Refused: whoever asks for the topic next tries again.
      () => {
        if (subscriptions.get(topic) === subscription) subscriptions.delete(topic);
      },
    );
    return subscription;
  }

  function unsubscribe(topics: Iterable<Topic>): void {
    for (const topic of topics) {
      const subscription = subscriptions.get(topic);
      subscriptions.delete(topic);
      if (subscription?.id !== undefined) pubsub.unsubscribe(subscription.id);
      // Left before it was confirmed; one that was refused needs nothing.
      else
        subscription?.confirmed?.then(
          (id) => pubsub.unsubscribe(id),
          () => {},
        );
    }
  }

  function tell(topic: Topic, message: string): void {
    if (message.startsWith(newsMark)) {
      listener?.onNews(topic, message.slice(newsMark.length));
      return;
    }
    const entry = parse(topic, message);
    if (entry) listener?.onEntry(entry);
    else
      log.error(
        { topic, bytes: message.length },
        'a message on a channel of ours is not an entry; it was dropped',
      );
  }

  function lose(): void {
    unsubscribe([...subscriptions.keys()]);
    listener?.onLost();
  }

  // Each failed attempt to come back is a `close` too; only the first of them loses anything.
  let connected = false;
  subscriber.on('ready', () => {
    connected = true;
  });
  subscriber.on('close', () => {
    if (connected) lose();
    connected = false;
  });

  /** Redis answers a PING behind everything that it published before, on the same connection. */
  async function settled(): Promise<void> {
    await available(subscriber.ping());
  }

  return {
    subscribe,
    unsubscribe,
    settled,
    announce: async (topic, body) => {
      await available(redis.publish(keys.channel(topic), newsMark + body));
    },
    listen: (told) => {
      listener = told;
    },
  };
}

function parse(topic: Topic, message: string): Logged | undefined {
  const [, epoch, number, previous, body] = /^([0-9a-f]+) ([0-9]+) ([0-9]+) (.*)$/s.exec(message) ?? [];
  if (epoch === undefined || body === undefined) return undefined;
  return { topic, epoch, number: Number(number), previous: Number(previous), body };
}

/** What graphql-redis-subscriptions calls our subscription to a topic, known once Redis has confirmed it. */
interface Subscription {
  /** Until then. */
  confirmed: Promise<number> | undefined;
  id: number | undefined;
}

/** One SUBSCRIBE or UNSUBSCRIBE on its way: the channels of one tick. */
interface Batch {
  readonly verb: 'subscribe' | 'unsubscribe';
  readonly channels: string[];
  readonly done: ((error: Error | null) => void)[];
}

/**
 * The subscriber as graphql-redis-subscriptions may have it. That library sends one command per channel and ignores
 * what becomes of an UNSUBSCRIBE, which ends the process when Redis is away (its issue 593): here the channels of one
 * tick go out together, in their order, and leaving cannot fail. Nothing ever uses patterns, so PUNSUBSCRIBE is not sent.
 */
function receiver(subscriber: Redis): Redis {
  let batches: Batch[] = [];

  function gather(verb: Batch['verb'], channel: string, done?: Batch['done'][number]): void {
    let batch = batches.at(-1);
    if (batch?.verb !== verb) {
      batch = { verb, channels: [], done: [] };
      if (batches.push(batch) === 1) process.nextTick(send);
    }
    batch.channels.push(channel);
    if (done) batch.done.push(done);
  }

  function send(): void {
    const sending = batches;
    batches = [];
    for (const { verb, channels, done } of sending) {
      const tell = (error: Error | null): void => {
        for (const each of done) each(error);
      };
      subscriber[verb](...channels).then(() => tell(null), tell);
    }
  }

  const gathered: Partial<Record<string | symbol, unknown>> = {
    subscribe: (channel: string, done: Batch['done'][number]) => gather('subscribe', channel, done),
    unsubscribe: (channel: string) => gather('unsubscribe', channel),
    punsubscribe: () => undefined,
  };
  return new Proxy(subscriber, {
    get(target, property) {
      const value: unknown = gathered[property] ?? Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
