import type { Place } from './profiler.ts';
import { serveCalls } from './rpc.ts';

/*
 * Preloaded into every Node server that is measured (`--expose-gc --import`): answers what only the process itself can
 * know. It does nothing until it is asked.
 */

/** Bytes that JavaScript holds. */
export interface Heap {
  readonly usedBytes: number;
  readonly externalBytes: number;
}

export interface ProbeApi {
  /** What is left after two full collections. */
  heap(nothing: null): Heap;
  /** How many timers, sockets and other things keep the process busy, by their kind. */
  resources(nothing: null): Record<string, number>;
  /** Begins to sample what runs, which makes it slower. */
  profile(nothing: null): Promise<void>;
  /** Ends that: where its busy time went, the most expensive first. */
  profiled(nothing: null): Promise<Place[]>;
}

let endProfile: (() => Promise<Place[]>) | undefined;

const api: ProbeApi & Record<string, (argument: never) => unknown> = {
  heap: () => {
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return { usedBytes: heapUsed, externalBytes: external };
  },
  resources: () => {
    const counts: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  },
  profile: async () => {
    const { startProfile } = await import('./profiler.ts');
    endProfile = await startProfile();
  },
  profiled: async () => (await endProfile?.()) ?? [],
};

serveCalls(api);
