import type { Drill } from './kit/drill.js'

const MAX_MEMORY = 8 * 1024 * 1024

export async function redisFull(drill: Drill): Promise<void> {
  const redis = await drill.startRedis({
    args: ['--maxmemory', String(MAX_MEMORY), '--maxmemory-policy', 'noeviction'],
  })
  const others = redis.client()
  const service = await drill.startService({ redisPort: redis.port })
  drill.watch(service)
  drill.database.padding = 2_000
  // Each write is a miss for a whole tenant, so that there is something to store all the time.
  await drill.send([service], { changesEvery: 3 })

  await drill.breaks('a queue on the same server fills it', async () => {
    const job = 'x'.repeat(64 * 1024)
    while ((await usedBytes(others)) < 0.93 * MAX_MEMORY) await others.rpush('bull:mail:wait', job)
  })
  await drill.showsSymptom()
  const told = await drill.run('doctor')
  drill.expect(/look +room/.test(told), 'the doctor says that there is no room')
  const held = await drill.run('stats')
  drill.expect(held.includes('orders@1'), 'stats say what of it is the cache, by policy and tenant')
  await drill.run('who-else')
  await drill.run('more-room')
  drill.expect(/good +room/.test(await drill.run('doctor-again')), 'the doctor is content')
  await drill.isOver()
  drill.expect((await others.llen('bull:mail:wait')) > 0, 'nothing of the queue was evicted')
}

async function usedBytes(client: { info(section: string): Promise<string> }): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))![1])
}
