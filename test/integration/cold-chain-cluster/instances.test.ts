import type { Socket } from 'socket.io-client'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../kit/until.ts'
import type { Instance, Message } from './kit/instance.ts'
import { startServers } from './kit/servers.ts'

const ROUNDS = 80
const QUESTIONS: Record<string, readonly string[]> = {
  unitUpdate: ['unit-status', 'stats'],
  alertCreated: ['alerts', 'alerts/open'],
  alertResolved: ['alerts', 'alerts/open'],
}

const releases: (() => unknown)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

/** On every event it asks instances again, and writes down which answers were older than the event. */
function watch(socket: Socket, asked: readonly Instance[]) {
  const seen = { events: 0, answers: 0, pending: 0, older: [] as string[] }
  for (const [name, paths] of Object.entries(QUESTIONS)) {
    socket.on(name, async ({ version, receipt }: Message) => {
      seen.pending += 1
      if (name === 'unitUpdate') seen.events += 1
      await Promise.all(
        paths.flatMap((path) =>
          asked.map(async (instance, index) => {
            const answer = await instance.get(path, receipt ? { 'cache-after': receipt } : {})
            seen.answers += 1
            if (!(answer.version >= version))
              seen.older.push(`${name} ${version}: ${index} ${path} ${answer.version} ${receipt}`)
          }),
        ),
      )
      seen.pending -= 1
    })
  }
  return seen
}

/** Changes the state of a unit in each round, all through one instance. */
async function change(writer: Instance, rounds: number): Promise<void> {
  const units = await writer.units()
  for (let round = 0; round < rounds; round += 1) {
    const kind = Math.floor(round / units.length) % 2 === 0 ? 'warm' : 'cold'
    await writer.reading(units[round % units.length]!, kind)
  }
}

describe.each(['on', 'off'])('three instances, second bus %s', (SECOND_BUS) => {
  it('S2-2, S2-8, S2-43, S2-55: no instance answers older than the event of another one; one that is killed takes nobody along', async () => {
    const servers = await startServers()
    releases.push(() => servers.end())
    const [a, b, c] = (await servers.start(['a', 'b', 'c'], { SECOND_BUS })) as [Instance, Instance, Instance]
    // Everybody holds an answer in memory that the changes make untrue.
    for (const instance of [a, b, c]) await instance.get('unit-status')

    const atB = await b.socket()
    releases.push(() => atB.disconnect())
    const heardAtB = watch(atB, [b, c])
    await change(a, ROUNDS)
    await until(() => heardAtB.events === ROUNDS && heardAtB.pending === 0, { what: 'all events', withinMs: 60_000 })
    expect(heardAtB.older).toEqual([])
    expect(heardAtB.answers).toBeGreaterThan(4 * ROUNDS)

    await a.end('SIGKILL')
    const atC = await c.socket()
    releases.push(() => atC.disconnect())
    const heardAtC = watch(atC, [b, c])
    await change(b, ROUNDS)
    await until(() => heardAtC.events === ROUNDS && heardAtC.pending === 0, { what: 'all events', withinMs: 60_000 })
    expect(heardAtC.older).toEqual([])
    expect(heardAtB.older).toEqual([])
    for (const { url } of [b, c]) expect((await fetch(`${url}/health`)).status).toBe(200)
  })
})
