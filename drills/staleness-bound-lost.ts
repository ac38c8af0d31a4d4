import { FaultProxy } from '../test/kit/fault-proxy.ts'
import type { Drill } from './kit/drill.js'

export async function stalenessBoundLost(drill: Drill): Promise<void> {
  const redis = await drill.startRedis()
  const line = await FaultProxy.start({ port: redis.port })
  drill.onEnd(() => line.close())
  const cutOff = await drill.startService({ redisPort: line.port })
  const other = await drill.startService({ redisPort: redis.port })
  drill.watch(cutOff)
  // Writes go to the other one: what it invalidates, the one that is cut off cannot hear.
  await drill.send([cutOff, other], { changesEvery: 10 })

  await drill.breaks('the line of one process is dead, and nobody is told', () => line.halfOpen())
  await drill.showsSymptom()
  await drill.run('doctor-of-redis')
  await drill.run('doctor-of-service')
  await drill.yours('mend-line', () => line.heal())
  await drill.becomes('the process is back', () => cutOff.isWell())
  await drill.run('stats')
  await drill.isOver()
}
