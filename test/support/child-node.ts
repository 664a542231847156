import { onTestFinished } from 'vitest';
import { launchNode, type NodeProcess } from './node-process.ts';
import { secret } from './service.ts';

/** Starts a node in a process of its own and waits until it serves; it is killed when the test has finished. */
export async function startChildNode(env: NodeJS.ProcessEnv): Promise<NodeProcess> {
  const node = await launchNode({ AUTH_SECRET: secret, DRAIN_SECONDS: '0', GRACE_SECONDS: '0', ...env });
  onTestFinished(async () => {
    await node.end('SIGKILL');
  });
  return node;
}
