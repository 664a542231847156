import { nowUs } from '../clock.ts';
import type { Latency } from './api.ts';

/** Counts what arrives at all sockets of a generator. */
export class Meter {
  delivered = 0;
  bytes = 0;
  reads = 0;
  private latencies = new Uint32Array(1 << 16);

  /** Bytes have come. */
  take(bytes: number): void {
    this.reads++;
    this.bytes += bytes;
  }

  /** A signal has come that was meant to be sent at `sentUs`. */
  deliver(sentUs: number): void {
    if (this.delivered === this.latencies.length) this.grow();
    this.latencies[this.delivered++] = Math.max(0, nowUs() - sentUs);
  }

  private grow(): void {
    const larger = new Uint32Array(this.latencies.length * 2);
    larger.set(this.latencies);
    this.latencies = larger;
  }

  reset(): void {
    this.delivered = 0;
    this.bytes = 0;
    this.reads = 0;
  }

  latency(): Latency {
    const sorted = this.latencies.slice(0, this.delivered).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { p50Us: at(0.5), p99Us: at(0.99), p999Us: at(0.999), maxUs: at(1) };
  }
}
