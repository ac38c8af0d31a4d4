import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { leftOpen, openResources } from './open-resources.ts'

describe('the leak check', () => {
  it('finds a timer that was not stopped', async () => {
    const before = openResources()
    const timer = setTimeout(() => {}, 60_000)
    expect(await leftOpen(before, 0)).toEqual(['Timeout (1 more)'])
    clearTimeout(timer)
    expect(await leftOpen(before, 0)).toEqual([])
  })

  it('finds a server that still listens', async () => {
    const before = openResources()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    expect(await leftOpen(before, 0)).toEqual(['TCPServerWrap (1 more)'])
    server.close()
    expect(await leftOpen(before, 1_000)).toEqual([])
  })

  it('lets housekeeping pass, which keeps no process alive', async () => {
    const before = openResources()
    const timer = setTimeout(() => {}, 60_000).unref()
    expect(await leftOpen(before, 0)).toEqual([])
    clearTimeout(timer)
  })
})
