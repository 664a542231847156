import type { Flow } from '../generator/api.ts';

/** With more late writes than this, the generator could not keep its times, and latencies say nothing. */
const mostLate = 0.01;

/** Latencies of a flow by their names in figures; null when the generator itself was late. */
export function latencyValues({ late, writes, latency }: Flow): Record<string, number | null> {
  return latencyOrNothing(late, writes, { ...latency });
}

/** The same for latencies under any names. */
export function latencyOrNothing(
  late: number,
  writes: number,
  latencies: Readonly<Record<string, number>>,
): Record<string, number | null> {
  const lateShare = late / writes;
  const valid = lateShare <= mostLate;
  const kept = Object.entries(latencies).map(([name, us]) => [name, valid ? us : null]);
  return { ...Object.fromEntries(kept), lateShare };
}

/** Throws when something was not delivered, or not taken: a server that drops signals is not fast, and has no figures. */
export function expectWhole({ expected, delivered, refused, complaint, signals }: Flow): void {
  if (refused > 0) throw new Error(`${refused} of ${signals} signals were refused: ${complaint}`);
  if (delivered !== expected)
    throw new Error(`${expected - delivered} of ${expected} deliveries are missing`);
}
