import type { Clock, Wheel } from './clock.ts';
import type { Bus, Logged } from './ports.ts';
import type { Socket } from './socket.ts';
import { hubOf, type Topic } from './topic.ts';

/** The local listeners of one topic. */
export interface Room {
  /** Sockets and live signals have this string, not only an equal one: comparing them takes no look at the text. */
  readonly topic: Topic;
  readonly sockets: Set<Socket>;
  /** The highest number after which any of them listens: all of them do to what has a higher one. */
  joined: number;
  /** Until it is confirmed. */
  subscribed: Promise<void> | undefined;
  /** The number up to which everything was told, or the least from which on a socket needs it; to notice what was not. */
  after: number | undefined;
  /** An entry has been told, or the topic was read again. */
  isTold: boolean;
  callOffLeaving: (() => void) | undefined;
}

/** Which of a node's sockets listen to which topic, with one subscription per topic that any of them needs. */
export interface Rooms {
  /** Lets a socket in, whose room is there or being made; resolves when the subscriptions are confirmed. */
  enter(socket: Socket, topics: Iterable<Topic>): Promise<unknown>;
  /** False when the socket was not there. */
  leave(socket: Socket, topic: Topic): boolean;
  of(topic: Topic): Room | undefined;
  all(): Iterable<[Topic, Room]>;
  /** How many sockets listen to each of these hubs. */
  counts(topics: Iterable<Topic>): Map<string, number>;
  readonly size: number;
}

/** A topic without sockets stays subscribed this long, so that a reconnect costs nothing, in milliseconds. */
const lingerMs = 1000;

export interface RoomsParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly wheel: Wheel;
}

export function createRooms({ bus, clock, wheel }: RoomsParts): Rooms {
  const rooms = new Map<Topic, Room>();

  function enter(socket: Socket, topics: Iterable<Topic>): Promise<unknown> {
    const wanted = [...topics];
    subscribe(wanted.filter((topic) => !rooms.has(topic)));
    return Promise.all(
      wanted.map((topic) => {
        const room = rooms.get(topic);
        room?.sockets.add(socket);
        room?.callOffLeaving?.();
        return room?.subscribed;
      }),
    );
  }

  function subscribe(topics: Topic[]): void {
    if (topics.length === 0) return;
    const subscribed = bus.subscribe(topics);
    const created = topics.map((topic): [Topic, Room] => {
      const room: Room = {
        topic,
        sockets: new Set(),
        joined: 0,
        subscribed,
        after: undefined,
        isTold: false,
        callOffLeaving: undefined,
      };
      rooms.set(topic, room);
      return [topic, room];
    });
    subscribed.then(
      () => {
        for (const [, room] of created) room.subscribed = undefined;
      },
      () => {
        for (const [topic, room] of created) if (rooms.get(topic) === room) rooms.delete(topic);
      },
    );
  }

  function leave(socket: Socket, topic: Topic): boolean {
    const room = rooms.get(topic);
    if (!room?.sockets.delete(socket)) return false;
    if (room.sockets.size === 0)
      room.callOffLeaving = wheel.at(clock.now() + lingerMs, () => abandon(topic, room));
    return true;
  }

  function abandon(topic: Topic, room: Room): void {
    if (room.sockets.size > 0 || rooms.get(topic) !== room) return;
    rooms.delete(topic);
    bus.unsubscribe([topic]);
  }

  function counts(topics: Iterable<Topic>): Map<string, number> {
    const byHub = new Map<string, number>();
    for (const topic of topics) {
      const hubId = hubOf(topic);
      if (hubId !== undefined) byHub.set(hubId, rooms.get(topic)?.sockets.size ?? 0);
    }
    return byHub;
  }

  return {
    enter,
    leave,
    of: (topic) => rooms.get(topic),
    all: () => rooms,
    counts,
    get size() {
      return rooms.size;
    },
  };
}

/** Whether nothing lies between two entries of a topic. A topic whose record ran out begins again at 0. */
export function follows({ after }: Room, { previous }: Logged): boolean {
  return after === undefined || previous <= after;
}
