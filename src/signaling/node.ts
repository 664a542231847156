import { type Clock, createWheel, type Wheel } from './clock.ts';
import { act } from './control.ts';
import { createExchange, type Exchange } from './exchange.ts';
import { defaultIce, type IceSettings } from './ice-servers.ts';
import type { Limits } from './limits.ts';
import type { Log } from './log.ts';
import { reopenSocket } from './open.ts';
import type { Bus, Store } from './ports.ts';
import { createPresence, type Presence } from './presence.ts';
import { createSignalReader, type SignalReader } from './signal.ts';
import { createSignsOfLife, type SignsOfLife } from './signs-of-life.ts';
import { presenceOf } from './topic.ts';
import { createTurns, type InTurn } from './turns.ts';

/** What the operations of one running process work with. */
export interface SignalingNode {
  readonly store: Store;
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly limits: Limits;
  readonly ice: IceSettings;
  readonly log: Log;
  readonly read: SignalReader;
  readonly exchange: Exchange;
  readonly bus: Bus;
  readonly presence: Presence;
  readonly signsOfLife: SignsOfLife;
  readonly inTurn: InTurn;
}

export interface NodeParts extends Pick<SignalingNode, 'store' | 'bus' | 'clock' | 'limits' | 'log'> {
  /** No servers unless given. */
  readonly ice?: IceSettings;
}

export function createNode(parts: NodeParts): SignalingNode {
  const read = createSignalReader(parts.clock);
  const wheel = createWheel(parts.clock);
  const exchange = createExchange({
    ...parts,
    read,
    wheel,
    act: (socket, signal) => act(node, socket, signal),
    reopen: (socket, reason) => reopenSocket(node, socket, reason),
    onNews: (topic, body) => {
      const hubId = presenceOf(topic);
      if (hubId === undefined) node.signsOfLife.heard(topic, body);
      else node.presence.heard(hubId, body);
    },
  });
  const presence = createPresence({ ...parts, exchange });
  const node: SignalingNode = {
    ice: defaultIce,
    ...parts,
    read,
    wheel,
    exchange,
    presence,
    signsOfLife: createSignsOfLife({ exchange, wheel, clock: parts.clock }),
    inTurn: createTurns(),
  };
  return node;
}
