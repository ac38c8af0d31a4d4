import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../kit/until.ts'
import { IOREDIS } from '../../servers/ioredis-versions.ts'
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

for (const [version, connect] of Object.entries(IOREDIS)) {
  describe(`a subscription with ${version}`, () => {
    test('hears again by itself after its connection was killed', async () => {
      const client = connect(server.port)
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
      client.disconnect()
    })

    test('has a connection of its own, which ends with the subscription or with the tier', async () => {
      const client = connect(server.port)
      await client.ping()
      const before = await connections()
      const tier = openRedisTier(client)
      const end = await tier.subscribe?.(() => {})
      await tier.subscribe?.(() => {})
      expect(await connections()).toBe(before + 2)
      await end?.()
      await until(async () => (await connections()) === before + 1)
      await tier.close()
      await until(async () => (await connections()) === before)
      client.disconnect()
    })

    test("leaves the user's client as it was, open and without listeners of ours", async () => {
      const client = connect(server.port)
      await client.ping()
      const events = ['error', 'message', 'end', 'close', 'ready', 'reconnecting']
      const listeners = events.map((event) => client.listenerCount(event))
      const options = JSON.stringify(client.options)
      const tier = openRedisTier(client)
      await tier.subscribe?.(() => {})
      await tier.delete(NAMESPACE, [KEY], 'payload', false)
      expect(events.map((event) => client.listenerCount(event))).toEqual(listeners)
      await tier.close()
      expect(JSON.stringify(client.options)).toBe(options)
      expect(await client.ping()).toBe('PONG')
      client.disconnect()
    })

    test('leaves nothing open in the process after the tier is closed', async () => {
      const client = connect(server.port)
      await client.ping()
      const open = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
      const before = open()
      const tier = openRedisTier(client)
      await tier.subscribe?.(() => {})
      expect(open()).toBe(before + 1)
      await tier.close()
      await until(() => open() === before)
      client.disconnect()
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
