import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './test/tsconfig.json' },
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/package/leak-check.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Two cores: one file at a time in each of two workers keeps the servers of the tests responsive.
    maxWorkers: 2,
    reporters: ['default', './scripts/closing-line.mjs'],
  },
})
