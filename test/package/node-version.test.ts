import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { read } from './repository.ts'

describe('the Node that runs the tests', () => {
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } }

  it('is one that package.json allows', () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    const [, leastMajor = 0, leastMinor = 0] = /^>=(\d+)\.(\d+)$/.exec(engines.node)!.map(Number)
    expect(major > leastMajor || (major === leastMajor && minor >= leastMinor)).toBe(true)
  })

  // `npm run test:matrix` says which one it means.
  it.runIf(process.env.TESTED_NODE)('is the one that the matrix means, in workers and in child processes', () => {
    const { stdout } = spawnSync('node', ['-p', 'process.version'], { encoding: 'utf8' })
    expect(process.version).toMatch(new RegExp(`^v${process.env.TESTED_NODE}`))
    expect(stdout.trim()).toBe(process.version)
  })
})
