/* What waits, and what ends waiting. */

/** Calls back after a time unless called off; returns the way to do that. */
export function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}

/** Resolves after a time, or as soon as the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      callOff();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const callOff = after(ms, done);
    signal?.addEventListener('abort', done);
  });
}

/** A promise with the ways to settle it. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/** As `Promise.withResolvers`, which browsers of 2023 do not have. */
export function deferred<Value>(): Deferred<Value> {
  let settle: Omit<Deferred<Value>, 'promise'> | undefined;
  const promise = new Promise<Value>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...(settle as unknown as Omit<Deferred<Value>, 'promise'>) };
}

/** The value, or a rejection with `error()` when it takes longer. */
export function within<Value>(ms: number, value: Promise<Value>, error: () => unknown): Promise<Value> {
  return new Promise((resolve, reject) => {
    const callOff = after(ms, () => reject(error()));
    value.then(resolve, reject).finally(callOff);
  });
}

/** How long to wait before an attempt: up to `first` before the first, and twice as long before each that follows. */
export function backOff(failures: number, { firstMs, mostMs }: { firstMs: number; mostMs: number }): number {
  const most = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 16));
  // The first one may be at once; later ones keep at least half of their time.
  return failures === 0 ? Math.random() * most : (most * (1 + Math.random())) / 2;
}

/**
 * Calls back when the network or the user has come back. Plain Node tells neither; whatever runs this may miss one of
 * the two. Returns the way to stop.
 */
export function onWake(wake: () => void): () => void {
  const page = globalThis as {
    addEventListener?: (type: string, listener: () => void) => void;
    removeEventListener?: (type: string, listener: () => void) => void;
    document?: {
      readonly visibilityState: string;
      addEventListener(type: string, listener: () => void): void;
      removeEventListener(type: string, listener: () => void): void;
    };
  };
  const { document } = page;
  const seen = (): void => {
    if (document?.visibilityState === 'visible') wake();
  };
  page.addEventListener?.('online', wake);
  document?.addEventListener('visibilitychange', seen);
  return () => {
    page.removeEventListener?.('online', wake);
    document?.removeEventListener('visibilitychange', seen);
  };
}
