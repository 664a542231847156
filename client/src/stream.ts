import type { SignalingError } from './error.ts';
import type { Signal, SocketClosing, SocketReady } from './types.ts';

/** Everything that a subscription may bring. */
export type Arrival = Signal | SocketReady | SocketClosing;

/** How a stream ended. */
export type Ending =
  /** Broken off, with a word or without: come back. */
  | { readonly kind: 'lost'; readonly code: string }
  /** The token was not accepted, or has ended. */
  | { readonly kind: 'token' }
  /** The subscription was refused. */
  | { readonly kind: 'refused'; readonly error: SignalingError }
  /** Completed by the service: stay away. */
  | { readonly kind: 'completed' };

export interface StreamRequest {
  /** Of the service's `/graphql`. */
  readonly url: string;
  readonly token: string;
  readonly query: string;
  readonly variables: Record<string, unknown>;
  /** How often a sign of life is due, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long the answer to a ping may take, in milliseconds. */
  readonly pongMs: number;
}

export interface StreamEvents {
  next(arrival: Arrival): void;
  end(ending: Ending): void;
}

/** One subscription on one connection. After `end`, and after `close`, nothing more comes. */
export interface Stream {
  /** Asks for a sign of life now; without one the stream ends. */
  probe(): void;
  /** What the service says about its signs of life. */
  setHeartbeat(ms: number): void;
  close(): void;
}

export type OpenStream = (request: StreamRequest, events: StreamEvents) => Stream;
