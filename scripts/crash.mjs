// `npm run crash [-- kills]`: the crash tests of the disk tier, 1,000 kills long.
import { join } from 'node:path'
import { main } from './failure.mjs'
import { root } from './places.mjs'
import { prepare } from './prepare.mjs'
import { run } from './run.mjs'

await main(async () => {
  await prepare(['.'])
  const kills = process.argv[2] ?? '1000'
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/integration/disk/crash.test.ts']
  return run(process.execPath, args, { cwd: root, env: { ...process.env, CRASH_KILLS: kills } })
})
