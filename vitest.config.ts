import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // Node runs the sources as in production. Vite's own module loader would load a second copy of graphql.
    experimental: { viteModuleRunner: false },
    // A process for each file: suites start servers, and count their own timers and connections.
    pool: 'forks',
    // They mostly wait for sockets, so two at a time pay even on one core.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // The report is what .ci/run counts.
    reporters: ['default', 'json'],
    outputFile: { json: 'node_modules/.cache/vitest/report.json' },
  },
});
