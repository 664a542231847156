import { setTimeout as delay } from 'node:timers/promises';
import { type ClusterProcesses, startCluster } from '../support/redis-cluster.ts';
import type { Fault, Run } from './fault.ts';
import { type Scene, startScene } from './scene.ts';

/**
 * After so many milliseconds without an answer, the others take a master for dead. They look for one up to half that time late,
 * and a replica waits for a second before it is elected: with 2000, a kill had little left of the 3 s that it may take beyond.
 */
const nodeTimeoutMs = 1500;

interface Injection {
  readonly cluster: ClusterProcesses;
  readonly scene: Scene;
  /** The slot of all our keys. */
  readonly slot: number;
  readonly run: Run;
}

function clusterFault(
  name: string,
  sentence: string,
  limits: Record<string, number>,
  inject: (injection: Injection) => Promise<unknown>,
): Fault {
  return {
    name,
    sentence,
    async run(run) {
      const cluster = await startCluster({ nodeTimeoutMs });
      run.defer(cluster.stop);
      const scene = await startScene(run, { redisUrl: cluster.url, clients: run.long ? 200 : 40 });
      const slot = await cluster.slotOf(`faults-${run.seed}`);
      run.note(name);
      await inject({ cluster, scene, slot, run });
      const recoverMs = await scene.deliveredMs(20_000);
      await delay(run.long ? 10_000 : 2000);
      const other = [...scene.load.refusals].reduce(
        (sum, [code, each]) => sum + (code === 'UNAVAILABLE' ? 0 : each),
        0,
      );
      return scene.finish({ closed: 0, ...limits }, { recoverMs, otherRefusals: other });
    },
  };
}

export const clusterKill = clusterFault(
  'cluster-kill',
  'The Cluster master that holds our keys is killed.',
  { gapMs: nodeTimeoutMs + 3000 },
  async ({ cluster, slot }) => {
    const master = await cluster.masterOf(slot);
    await cluster.kill(master);
    await cluster.promoted(slot, master);
  },
);

/** Slots next to a slot, without it. */
const neighbours = (slot: number, count: number): number[] =>
  Array.from({ length: count + 1 }, (_, i) => (slot + i) % 16_384).filter((each) => each !== slot);

export const clusterReshardOthers = clusterFault(
  'cluster-reshard-others',
  'Slots that hold none of our keys move between Cluster masters.',
  { gapMs: 1000, rejected: 0, told: 0 },
  async ({ cluster, slot, run }) => {
    const slots = neighbours(slot, run.long ? 500 : 60);
    await cluster.moveSlots(slots, await cluster.otherMaster(slot));
  },
);

export const clusterReshardOurs = clusterFault(
  'cluster-reshard-ours',
  'The slot that holds our keys moves to another Cluster master, key by key.',
  { recoverMs: 3000, otherRefusals: 0 },
  async ({ cluster, slot }) => {
    await cluster.moveSlots([slot], await cluster.otherMaster(slot), 5);
  },
);
