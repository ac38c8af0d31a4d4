import { afterEach, expect, it } from 'vitest'
import { ConsoleHistory } from '../../../src/observe/console/console-history.js'
import { type WatchedCache, watchedCache } from './watched-cache.ts'

const opened: WatchedCache[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

it('keeps ten minutes at two seconds, the oldest first, until it is closed', async () => {
  const watched = watchedCache({ shared: false, ttl: '60s' })
  opened.push(watched)
  const { cache, clock } = watched
  const history = new ConsoleHistory([cache], clock)
  const points = () => history.take()[0]!.points
  await cache.getOrFill('a', () => 1)
  await clock.advance(2_000)
  await cache.getOrFill('a', () => 1)
  await clock.advance(2_000)
  expect(points()).toMatchObject([
    { requests: 0, fills: 0 },
    { requests: 1, hits: 0, fills: 1 },
    { requests: 2, hits: 1, fills: 1 },
  ])
  expect(points()[2]!.at - points()[0]!.at).toBe(4_000)
  await clock.advance(3_600_000)
  expect(points()).toHaveLength(300)
  expect(points()[299]!.at - points()[0]!.at).toBe(299 * 2_000)
  const { at } = points()[0]!
  history.close()
  await clock.advance(60_000)
  expect(points()[0]!.at).toBe(at)
})
