import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

// What a page pays for the client: all of it with its dependency, bundled, minified, and compressed as servers do.
const most = 15 * 1024;
const entry = fileURLToPath(new URL('../client/dist/index.js', import.meta.url));
const virtual = {
  name: 'all-of-it',
  resolveId: (id: string) => (id === 'all-of-it' ? id : undefined),
  load: (id: string) =>
    id === 'all-of-it' ? `import * as all from ${JSON.stringify(entry)}; window.all = all;` : undefined,
};
const built = await build({
  configFile: false,
  logLevel: 'error',
  plugins: [virtual],
  build: { write: false, modulePreload: false, target: 'es2022', rolldownOptions: { input: 'all-of-it' } },
});
const code = [built]
  .flat()
  .flatMap((result) => ('output' in result ? result.output : []))
  .map((chunk) => ('code' in chunk ? chunk.code : ''))
  .join('');
const bytes = gzipSync(code, { level: 9 }).length;
console.log(`call-signaling-client: ${code.length} bytes minified, ${bytes} gzipped, of at most ${most}`);
if (bytes > most) process.exitCode = 1;
