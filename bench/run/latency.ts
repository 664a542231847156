import type { Flow } from '../generator/api.ts';
import { progress } from './progress.ts';

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

/** What was not delivered, said aloud: a server that drops signals is not fast. */
export function lossValues({ expected, delivered, refused, complaint }: Flow): Record<string, number> {
  if (delivered !== expected) progress(`  ${expected - delivered} of ${expected} deliveries are missing`);
  if (refused > 0) progress(`  ${refused} signals were refused: ${complaint}`);
  return { missing: expected - delivered };
}
