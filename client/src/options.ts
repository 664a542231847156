import type { GetToken } from './token.ts';
import type { SignalKind } from './types.ts';

export interface ConnectOptions {
  /** Of the service's `/graphql`; in a page it may be relative. */
  readonly url: string;
  /** Asked whenever a token is needed; `rejected`: the last one was not accepted, or has ended. */
  readonly getToken: GetToken;
  /** The hub you act in, where a method is not told another. */
  readonly hubId: string;
  /** Kept across reloads. A browser tab remembers one by itself; elsewhere there is a new one for each `connect`. */
  readonly deviceId?: string;
  /** What the user's other devices call this one. */
  readonly deviceLabel?: string;
  /** `auto`: WebSocket, and server-sent events where WebSockets are blocked. */
  readonly transport?: 'auto' | Transport;
  /** Receive only these kinds of signals. `Call` objects need `INCOMING_CALL`, `CALL_UPDATED` and `PEER_MESSAGE`. */
  readonly kinds?: readonly SignalKind[];
  /** Receive only signals of these hubs. */
  readonly hubIds?: readonly string[];
  /** Tell callers that it rings here, once a `call` handler took it. Default: true. */
  readonly acknowledgeRings?: boolean;
  /** How long a method may take, repetitions included, in milliseconds. Default: 15,000. */
  readonly timeoutMs?: number;
  /** How long one attempt to connect may take, in milliseconds. Default: 10,000. */
  readonly connectTimeoutMs?: number;
  /** How often a sign of life is due, in milliseconds. Default: what the service says. */
  readonly heartbeatMs?: number;
  /** How long the answer to a ping may take, in milliseconds. Default: 6,000. */
  readonly pongMs?: number;
  /** How long to wait between attempts, in milliseconds: doubled from one to the other. Default: 500 and 30,000. */
  readonly retry?: { readonly firstMs?: number; readonly mostMs?: number };
}

export type Transport = 'ws' | 'sse';

/** The options, with what they leave open decided. */
export type Settings = ReturnType<typeof settingsOf>;

export function settingsOf(options: ConnectOptions) {
  return {
    ...options,
    url: addressOf(options.url),
    deviceId: options.deviceId ?? rememberedDeviceId(),
    transport: options.transport ?? 'auto',
    acknowledgeRings: options.acknowledgeRings ?? true,
    timeoutMs: options.timeoutMs ?? 15_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    pongMs: options.pongMs ?? 6_000,
    retry: { firstMs: options.retry?.firstMs ?? 500, mostMs: options.retry?.mostMs ?? 30_000 },
  };
}

/** Absolute, and with the service's path where none was given. */
function addressOf(text: string): string {
  const { location } = globalThis as { location?: { readonly href: string } };
  const url = new URL(text, location?.href);
  url.protocol = url.protocol.replace('ws', 'http');
  if (url.pathname === '/') url.pathname = '/graphql';
  return url.href;
}

/** A tab's own name, which a reload keeps. */
function rememberedDeviceId(): string {
  const key = 'call-signaling.deviceId';
  try {
    // Missing in plain Node; in a page whose storage is forbidden, looking at it throws.
    const { document, sessionStorage } = globalThis as { document?: unknown; sessionStorage?: Storage };
    if (!document || !sessionStorage) return randomId();
    const deviceId = sessionStorage.getItem(key) ?? randomId();
    sessionStorage.setItem(key, deviceId);
    return deviceId;
  } catch {
    return randomId();
  }
}

interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** 128 bits in hexadecimal digits. `randomUUID` is missing in pages that are not served securely. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
