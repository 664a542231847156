import { benchSecret } from '../../bench/token.ts';
import { launchNode, type NodeProcess } from '../support/node-process.ts';
import { openProxy } from '../support/proxy.ts';
import type { Run } from './fault.ts';

/** Nodes on one Redis, and a load balancer before them. */
export interface Installation {
  readonly nodes: readonly NodeProcess[];
  /** Of the balancer: each connection goes to the next node that is not avoided. */
  readonly url: string;
  /** From now on no new connection goes there, as a health check would have it. */
  avoid(node: NodeProcess): void;
  /** Starts one more node. */
  start(): Promise<NodeProcess>;
  /** How many of the nodes have ended that were not told to. */
  crashes(): number;
  /** The test ends this node itself. */
  expectEnd(node: NodeProcess): void;
}

export interface InstallationOptions {
  readonly nodes: number;
  readonly redisUrl: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly flags?: readonly string[];
}

export async function startInstallation(run: Run, options: InstallationOptions): Promise<Installation> {
  const nodes: NodeProcess[] = [];
  const avoided = new Set<NodeProcess>();
  const expected = new Set<NodeProcess>();
  let turn = 0;
  const env = {
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    AUTH_SECRET: benchSecret,
    REDIS_URL: options.redisUrl,
    REDIS_PREFIX: `faults-${run.seed}`,
    LOG_LEVEL: 'warn',
    ...options.env,
  };

  async function start(): Promise<NodeProcess> {
    const node = await launchNode(env, { flags: options.flags ?? [] });
    run.defer(() => node.ending() === undefined && node.end('SIGKILL'));
    nodes.push(node);
    return node;
  }

  function next(): number {
    const fit = nodes.filter((node) => !avoided.has(node) && node.ending() === undefined);
    return fit[turn++ % fit.length]?.port ?? 1;
  }

  await Promise.all(Array.from({ length: options.nodes }, start));
  const balancer = await openProxy(next);
  run.defer(balancer.stop);
  const crashed = () => nodes.filter((node) => node.ending() !== undefined && !expected.has(node));

  return {
    nodes,
    url: balancer.url,
    avoid: (node) => void avoided.add(node),
    start,
    crashes() {
      for (const node of crashed()) run.note(`a node ended by itself: ${node.output().slice(-2000)}`);
      return crashed().length;
    },
    expectEnd: (node) => void expected.add(node),
  };
}
