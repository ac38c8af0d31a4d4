import type { Drill } from './kit/drill.js'

const ENTRIES = 300

export async function tenantOffBoarding(drill: Drill): Promise<void> {
  const redis = await drill.startRedis()
  const client = redis.client()
  await client.set('app:of-others', 'stays')
  const service = await drill.startService({ redisPort: redis.port })
  drill.watch(service)
  await drill.send([service])
  for (const tenant of ['org-9', 'org-90']) {
    for (let from = 0; from < ENTRIES; from += 30) {
      const keys = Array.from({ length: 30 }, (_, index) => `order-${from + index}`)
      await Promise.all(keys.map((key) => service.order(tenant, key)))
    }
  }
  await drill.showsSymptom()

  await drill.yours('stop-traffic', () => drill.say('(its requests have ended)'))
  drill.expect(/org-9 +300/.test(await drill.run('held')), 'stats name the tenant, and what it holds')
  const keys = await client.dbsize()
  drill.expect((await drill.run('dry-run')).includes(`${ENTRIES} entries`), 'the dry run counts, and deletes nothing')
  drill.expect((await client.dbsize()) === keys, 'as many keys as before')
  const { isDone, deleted } = JSON.parse(await drill.run('purge')) as { isDone: boolean; deleted: number }
  drill.expect(isDone && deleted === ENTRIES, `the receipt says that all ${ENTRIES} are deleted`)
  drill.expect((await client.exists('app:of-others')) === 1, 'keys of others stay')
  const left = await drill.run('held-afterwards')
  drill.expect(!/org-9 /.test(left) && /org-90 +300/.test(left), 'of this tenant nothing is left, of org-90 everything')
  await drill.run('get')
  await drill.isOver()
}
