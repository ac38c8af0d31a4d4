import type { EventEmitter } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../kit/until.ts'
import { SINGLE } from '../../servers/clients.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { KEY, NAMESPACE, openRedisTier } from './open-redis-tier.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

async function connections(): Promise<number> {
  const admin = server.client()
  const list = String(await admin.client('LIST'))
  admin.disconnect()
  return list.trim().split('\n').length - 1
}

for (const [version, connect] of Object.entries(SINGLE)) {
  describe(`a subscription with ${version}`, () => {
    test('hears again by itself after its connection was killed', async () => {
      const { client, close } = await connect(server.port)
      const tier = openRedisTier(client)
      const heard: string[] = []
      await tier.subscribe?.((_shard, row) => heard.push(row.payload))
      await tier.delete(NAMESPACE, [KEY], 'before', false)
      await until(() => heard.includes('before'))
      const admin = server.client()
      expect(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe(1)
      await until(async () => {
        await tier.delete(NAMESPACE, [KEY], 'after', false)
        return heard.includes('after')
      })
      await tier.close()
      await close()
    })

    test('has a connection of its own, which ends with the subscription or with the tier', async () => {
      const { client, close } = await connect(server.port)
      const before = await connections()
      const tier = openRedisTier(client)
      const end = await tier.subscribe?.(() => {})
      await tier.subscribe?.(() => {})
      expect(await connections()).toBe(before + 2)
      await end?.()
      await until(async () => (await connections()) === before + 1)
      await tier.close()
      await until(async () => (await connections()) === before)
      await close()
    })

    test("leaves the user's client as it was, open and without listeners of ours", async () => {
      const { client, close } = await connect(server.port)
      const seen = client as unknown as EventEmitter & { options: object; ping(): Promise<string> }
      const state = (): unknown => [
        Object.fromEntries(seen.eventNames().map((name) => [name, seen.listenerCount(name)])),
        JSON.stringify(seen.options),
      ]
      const before = state()
      const tier = openRedisTier(client)
      await tier.subscribe?.(() => {})
      await tier.delete(NAMESPACE, [KEY], 'payload', false)
      expect(state()).toEqual(before)
      await tier.close()
      expect(state()).toEqual(before)
      expect(await seen.ping()).toBe('PONG')
      await close()
    })

    test('leaves nothing open in the process after the tier is closed', async () => {
      const { client, close } = await connect(server.port)
      const open = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
      const before = open()
      const tier = openRedisTier(client)
      await tier.subscribe?.(() => {})
      expect(open()).toBe(before + 1)
      await tier.close()
      await until(() => open() === before)
      await close()
    })
  })
}

test('rejects if the server does not allow it to listen, and leaves no connection behind', async () => {
  const admin = server.client()
  await admin.acl('SETUSER', 'deaf', 'on', '>secret', '~*', 'resetchannels', '+@all')
  const client = server.client({ username: 'deaf', password: 'secret' })
  await client.ping()
  const before = await connections()
  const tier = openRedisTier(client)
  await expect(tier.subscribe?.(() => {})).rejects.toThrow(/NOPERM/)
  await until(async () => (await connections()) === before)
  await tier.close()
})
