import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { smallDisk } from '../test/kit/small-disk.ts'
import type { Drill } from './kit/drill.js'

export async function diskFull(drill: Drill): Promise<void> {
  const disk = smallDisk(8 * 1024 * 1024)
  drill.onEnd(() => disk.remove())
  const directory = join(disk.directory, 'cache')
  await mkdir(directory)
  drill.set('CACHE_DIR', directory)
  const redis = await drill.startRedis()
  const service = await drill.startService({ redisPort: redis.port, directory })
  drill.watch(service)
  drill.database.padding = 500
  await drill.send([service], { changesEvery: 5 })

  let makeRoom = (): void => {}
  await drill.breaks('something else fills the disk', () => {
    makeRoom = disk.fill()
  })
  await drill.showsSymptom()
  await drill.run('df')
  await drill.run('who')
  await drill.run('disk-stats')
  await drill.yours('make-room', makeRoom)
  await drill.isOver()
  await drill.yours('stop-service', async () => {
    await drill.quiet()
    await service.close()
  })
  await drill.run('verify')
}
