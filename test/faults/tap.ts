import { WebSocket } from 'ws';

/** One WebSocket of a client, as seen on the wire. */
export interface Tapped {
  readonly deviceId: string;
  /** When it began to connect, in milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Breaks it off, as a network does. */
  cut(): void;
}

/** What clients receive and lose, below the SDK: it would hide what comes twice. */
export interface Taps {
  signal(tapped: Tapped, signal: WireSignal): void;
  opened(tapped: Tapped): void;
  /** `ours`: the test broke it off, or the client left. */
  closed(tapped: Tapped, ours: boolean): void;
}

export interface WireSignal {
  readonly __typename: string;
  readonly id: string;
  readonly cursor: string | null;
  readonly recovered?: boolean;
  readonly code?: string;
  readonly socketId?: string;
}

/** From now on every WebSocket that the SDK opens in this process is listened in to. */
export function tapWebSockets(taps: Taps): void {
  class Tap extends WebSocket implements Tapped {
    deviceId = '';
    readonly startedAt = performance.now();
    #ours = false;

    constructor(address: string, protocols: string[]) {
      super(address, protocols, { perMessageDeflate: false, handshakeTimeout: 10_000 });
      this.on('error', () => {});
      this.on('message', (data) => this.#hear(String(data)));
      this.on('close', () => {
        if (this.deviceId) taps.closed(this, this.#ours);
      });
    }

    override send(data: string): void {
      if (!this.deviceId) this.#greet(data);
      super.send(data);
    }

    override close(code?: number, reason?: string): void {
      this.#ours = true;
      super.close(code, reason);
    }

    cut(): void {
      this.#ours = true;
      this.terminate();
    }

    #greet(data: string): void {
      const { type, payload } = JSON.parse(data) as {
        type: string;
        payload?: { variables?: { deviceId?: string } };
      };
      if (type !== 'subscribe') return;
      this.deviceId = payload?.variables?.deviceId ?? '?';
      taps.opened(this);
    }

    #hear(text: string): void {
      if (!text.includes('"incomingSignal"')) return;
      const message = JSON.parse(text) as { payload?: { data?: { incomingSignal?: WireSignal } } };
      const signal = message.payload?.data?.incomingSignal;
      if (signal) taps.signal(this, signal);
    }
  }
  (globalThis as { WebSocket: unknown }).WebSocket = Tap;
}
