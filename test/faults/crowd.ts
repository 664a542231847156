import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { type Remote, remote } from '../../bench/rpc.ts';
import type { Run } from './fault.ts';

export interface CrowdApi {
  /** Opens so many sockets, spread over a time, or all at once. */
  connect(plan: {
    urls: readonly string[];
    sockets: number;
    overMs: number;
  }): Promise<{ opened: number; ms: number }>;
  /** Ends all of them at once, as a network does. */
  cut(nothing: null): void;
  /** Connects and leaves, so many times. */
  churn(plan: { urls: readonly string[]; cycles: number; atOnce: number }): Promise<void>;
}

/** Starts a process that opens raw sockets. */
export function startCrowd(run: Run): Remote<CrowdApi> {
  const child = fork(new URL('crowd-main.ts', import.meta.url));
  run.defer(() => child.kill('SIGKILL'));
  // Thousands of clients have machines of their own: here they take no time from the service that it needs.
  if (child.pid !== undefined) setPriority(child.pid, 10);
  return remote<CrowdApi>('crowd', child);
}
