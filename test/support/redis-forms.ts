import { afterAll, beforeAll } from 'vitest';
import { startCluster } from './redis-cluster.ts';
import { startSentinel } from './redis-sentinel.ts';

interface Form {
  readonly url: string;
  stop(): Promise<void>;
}

/** The forms of Redis beside the single server: `describe.each(redisForms)`. */
export const redisForms: readonly [name: string, start: () => Promise<Form>][] = [
  ['Sentinel', () => startSentinel()],
  ['Cluster', () => startCluster()],
];

/** One for the whole suite that calls this; it stops with the suite. */
export function ownForm(start: () => Promise<Form>): { url(): string } {
  let form: Form | undefined;
  beforeAll(async () => {
    form = await start();
  });
  afterAll(() => form?.stop());
  return { url: () => form?.url ?? '' };
}
