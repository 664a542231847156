import type { Clock } from '../signaling/clock.ts';

/** A map whose entries end by themselves, as keys with a time to live do in Redis. */
export interface ExpiringMap<Value> {
  get(key: string): Value | undefined;
  /** `ttlMs` milliseconds from now; without it, for ever. */
  set(key: string, value: Value, ttlMs?: number): void;
  delete(key: string): void;
  /** Drops what has ended. */
  purge(): void;
}

export function createExpiringMap<Value>(clock: Clock): ExpiringMap<Value> {
  const entries = new Map<string, { value: Value; until: number }>();

  function get(key: string): Value | undefined {
    const entry = entries.get(key);
    return entry && entry.until > clock.now() ? entry.value : undefined;
  }

  function purge(): void {
    const now = clock.now();
    for (const [key, { until }] of entries) if (until <= now) entries.delete(key);
  }

  return {
    get,
    set: (key, value, ttlMs = Number.POSITIVE_INFINITY) =>
      entries.set(key, { value, until: clock.now() + ttlMs }),
    delete: (key) => entries.delete(key),
    purge,
  };
}
