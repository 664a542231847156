import { AsyncLocalStorage } from 'node:async_hooks';
import type { Call } from '../../src/signaling/call.ts';
import type { Signaling } from '../../src/signaling/signaling.ts';
import type { ModelSocket } from './model-sockets.ts';

/** A node of the model. */
export interface ModelNode {
  readonly name: string;
  readonly signaling: Signaling;
  /** It stops serving when this turns false, and cleans nothing up. */
  alive: boolean;
  /** Its next step at the store is its last: done, and answered to nobody. */
  dying: boolean;
}

/** Who does something, as far as they say. */
export interface Doer {
  readonly uid: string;
  readonly deviceId: string | null;
  readonly socketId: string | null;
}

/** Something that a node does: a command, or a look at the deadlines. */
export interface Doing {
  readonly what: string;
  readonly node: ModelNode;
  /** The turn in which it began. */
  readonly began: number;
  /** Null for the service itself. */
  readonly by: Doer | null;
  /** A message that names no call, or a dial that names no device. */
  readonly isUnnamed: boolean;
  /** The socket that it opens. */
  readonly opens?: ModelSocket;
  /** The calls that it has changed, as they were then. */
  readonly committed: Call[];
}

/** What the code that runs belongs to. */
export const doing = new AsyncLocalStorage<Doing>();

/** Says that something must hold; where it does not, the run fails. */
export type Claim = (holds: boolean, what: string) => void;
