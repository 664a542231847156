import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Each suite is a process, and so is each node that one starts: what V8 has compiled once, the next ones find.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/v8', import.meta.url));

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // Node runs the sources as in production. Vite's own module loader would load a second copy of graphql.
    experimental: { viteModuleRunner: false },
    // A process for each file: suites start servers, and count their own timers and connections.
    pool: 'forks',
    // They wait for sockets a third of the time: one more than there are cores keeps these busy.
    maxWorkers: 1 + availableParallelism(),
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // The report is what .ci/run counts.
    reporters: ['default', 'json'],
    outputFile: { json: 'node_modules/.cache/vitest/report.json' },
  },
});
