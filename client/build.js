import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';

/*
 * Makes `dist`. Run by `prepare`, and so by every `npm ci` of the service too: browsers, and Node below `node_modules`, do
 * not strip types. Without the compiler (`npm ci --omit=dev`) there is nothing to do it with.
 */
const compiler = findCompiler();
if (compiler) {
  const folder = import.meta.dirname;
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [compiler, '--project', folder], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  console.log('call-signaling-client was not built: TypeScript is not installed.');
}

function findCompiler() {
  try {
    const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
    return join(dirname(manifest), 'bin', 'tsc');
  } catch {
    return undefined;
  }
}
