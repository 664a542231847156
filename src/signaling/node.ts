import { type Clock, createWheel, type Wheel } from './clock.ts';
import { act } from './control.ts';
import { createExchange, type Exchange } from './exchange.ts';
import type { Limits } from './limits.ts';
import type { Log } from './log.ts';
import type { Bus, Store } from './ports.ts';
import { createSignalReader, type SignalReader } from './signal.ts';

/** What the operations of one running process work with. */
export interface SignalingNode {
  readonly store: Store;
  readonly clock: Clock;
  readonly wheel: Wheel;
  readonly limits: Limits;
  readonly log: Log;
  readonly read: SignalReader;
  readonly exchange: Exchange;
  readonly bus: Bus;
}

export type NodeParts = Pick<SignalingNode, 'store' | 'bus' | 'clock' | 'limits' | 'log'>;

export function createNode(parts: NodeParts): SignalingNode {
  const read = createSignalReader(parts.clock);
  const wheel = createWheel(parts.clock);
  const exchange = createExchange({
    ...parts,
    read,
    wheel,
    act: (socket, signal) => act(node, socket, signal),
  });
  const node: SignalingNode = { ...parts, read, wheel, exchange };
  return node;
}
