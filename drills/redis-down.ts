import type { Drill } from './kit/drill.js'

export async function redisDown(drill: Drill): Promise<void> {
  const redis = await drill.startRedis()
  const service = await drill.startService({ redisPort: redis.port })
  drill.watch(service)
  const traffic = await drill.send([service])

  await drill.breaks('Redis is killed', () => redis.stop())
  await drill.showsSymptom()
  await drill.run('stats')
  await drill.run('doctor')
  drill.database.change('org-7', 'a')
  await drill.run('invalidate-meanwhile')

  await drill.yours('start-redis', () => drill.startRedis({ port: redis.port }))
  await drill.becomes('an invalidation is acknowledged again', () => service.change('org-1', 'a'))
  await drill.run('invalidate-again')
  traffic.acknowledged('org-7', 'a')
  await drill.run('doctor-again')
  await drill.isOver()
  await drill.run('stats-again')
  drill.expect((await service.order('org-7', 'a')) === 2, 'what was changed meanwhile is what is answered')
}
