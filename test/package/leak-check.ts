// Set-up file of every test file: nothing may be left open when its tests are done. A look after each single test
// would be sharper, but vitest's own timers come and go between tests and hide one of ours.
import { afterAll } from 'vitest'
import { leftOpen, openResources } from './open-resources.ts'

/** ioredis keeps a timer for two seconds behind a connection that it closes, which not every option of its own reaches. */
const PATIENCE_MS = 3_000
const before = openResources()

// Registered before the hooks of the test file, and therefore run after them.
afterAll(async () => {
  const left = await leftOpen(before, PATIENCE_MS)
  if (left.length > 0) throw new Error(`This test file left open: ${left.join(', ')}. Close what it opened.`)
})
