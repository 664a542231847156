import type { Options, Outcome } from '../run/bench.ts';
import { calls } from './calls.ts';
import { connect } from './connect.ts';
import { dial } from './dial.ts';
import { fanout } from './fanout.ts';
import { idle } from './idle.ts';
import { nodes } from './nodes.ts';
import { profile } from './profile.ts';
import { slow } from './slow.ts';

export const benches = { fanout, dial, calls, idle, connect, nodes, slow, profile } satisfies Record<
  string,
  (options: Options) => Promise<Outcome>
>;

export type BenchName = keyof typeof benches;

export function isBench(name: string): name is BenchName {
  return name in benches;
}
