import { readFile } from 'node:fs/promises';
import type { Server } from './stage.ts';

/** What a server's process holds, in bytes, after two full collections. */
export interface Memory {
  /** Pages in memory, as the kernel counts them. */
  readonly resident: number;
  /** Used heap, and what JavaScript holds outside of it. */
  readonly heap: number;
}

export async function memoryOf({ pid, probe }: Server): Promise<Memory> {
  const { usedBytes, externalBytes } = await probe.heap(null);
  return { resident: await residentOf(pid), heap: usedBytes + externalBytes };
}

export async function residentOf(pid: number): Promise<number> {
  return kilobytes(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'), 'Rss');
}

/** What the kernel itself holds for connections, both ends of each: slabs and buffers. */
export async function kernelBytes(): Promise<number> {
  const slab = kilobytes(await readFile('/proc/meminfo', 'utf8'), 'Slab');
  const sockets = await readFile('/proc/net/sockstat', 'utf8');
  return slab + Number(/^TCP:.* mem (\d+)/m.exec(sockets)?.[1] ?? 0) * 4096;
}

function kilobytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
}
