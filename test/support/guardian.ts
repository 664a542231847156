import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Ends a program whose test process has gone without stopping it, and removes its folder. However a process goes, even
 * killed, the pipe to this one closes; a process group of its own keeps it alive through Ctrl+C.
 */
export function guardian(pid: number, folder: string): ChildProcess {
  const script = 'read -r _; kill -KILL "$1"; rm -rf "$2"';
  return spawn('sh', ['-c', script, 'sh', `${pid}`, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
}
