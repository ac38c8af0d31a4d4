import { setTimeout as pause } from 'node:timers/promises'
import type { Drill } from './kit/drill.js'

const TENANTS = ['org-1', 'org-2', 'org-7']

export async function hitRatioFalls(drill: Drill): Promise<void> {
  const redis = await drill.startRedis()
  const service = await drill.startService({ redisPort: redis.port })
  const other = await drill.startService({ redisPort: redis.port })
  drill.watch(service)
  await drill.send([service])

  const stop = new AbortController()
  let job: Promise<void> = Promise.resolve()
  drill.onEnd(() => stop.abort())
  await drill.breaks('a job invalidates everything of every tenant, again and again', () => {
    job = (async () => {
      for (let turn = 0; !stop.signal.aborted; turn++) {
        await other.change(TENANTS[turn % TENANTS.length]!, 'a')
        await pause(10)
      }
    })()
  })
  await drill.showsSymptom()
  await drill.run('stats')
  const told = await drill.run('explain')
  drill.expect(/orders +hard +(log|push)/.test(told), 'explain names the invalidation, and that others sent it')
  await drill.run('tail')
  await drill.yours('stop-job', async () => {
    stop.abort()
    await job
  })
  await drill.isOver()
}
