export type { Call, CallEvents, DeclineOptions } from './call.ts';
export type { CloseReason, StateChange } from './connection.ts';
export { SignalingError } from './error.ts';
export { type NegotiateOptions, negotiate, type PeerConnection } from './negotiate.ts';
export type { ConnectOptions, Transport } from './options.ts';
export {
  connect,
  type DialOptions,
  type MessageOptions,
  type SendOptions,
  type Signaling,
  type SignalingEvents,
  type Target,
} from './signaling.ts';
export type * from './types.ts';
