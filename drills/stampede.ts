import type { Drill } from './kit/drill.js'
import type { DrillService } from './kit/service.js'

const VALUES = 6

export async function stampede(drill: Drill): Promise<void> {
  const { database } = drill
  const redis = await drill.startRedis()
  const start = async (waitMs: number, leaseMs: number): Promise<DrillService[]> => {
    const policy = { coordinate: { waitMs, leaseMs, pollMinMs: 10, pollMaxMs: 50 } }
    const services: DrillService[] = []
    for (let n = 0; n < 3; n++) services.push(await drill.startService({ redisPort: redis.port, policy }))
    return services
  }
  /** Queries hang, and all services are asked for the same new values; ends when they have what they wait for. */
  const crowd = async (services: readonly DrillService[], isThere: (queries: number) => boolean | Promise<boolean>) => {
    const before = database.queries
    const release = database.hold()
    const answers = askAll(drill, services)
    // Where the drill fails meanwhile, that is what is told.
    answers.catch(() => {})
    try {
      await drill.until('the crowd', () => isThere(database.queries - before))
    } finally {
      release()
    }
    await answers
    return database.queries - before
  }

  const impatient = await start(200, 3_000)
  drill.watch(impatient[0]!)
  const perProcess = impatient.length * VALUES
  await drill.breaks('a query is slower than followers wait', async () => {
    const queries = await crowd(impatient, (asked) => asked === perProcess)
    drill.say(`${queries} queries for ${VALUES} values`)
  })
  await drill.showsSymptom()
  const watching = drill.run('tail')
  await whileRunning(watching, () => crowd(impatient, (asked) => asked === perProcess))
  await drill.run('stats')

  const patient: DrillService[] = []
  await drill.yours('raise-wait', async () => {
    for (const service of impatient) await service.close()
    patient.push(...(await start(20_000, 30_000)))
    drill.watch(patient[0]!)
  })
  await drill.isOver(async () => {
    const allWait = async (): Promise<boolean> => {
      const counts = await Promise.all(patient.map(async (service) => flights(await service.text('/metrics'))))
      return counts.every((count) => count >= VALUES)
    }
    const queries = await crowd(patient, allWait)
    drill.expect(queries === VALUES, `${queries} queries for ${VALUES} values`)
  })
}

let round = 0

/** Each value from all, another one first each time: so every process leads for some of them and follows for others. */
async function askAll(drill: Drill, services: readonly DrillService[]): Promise<void> {
  round++
  const asked: Promise<number>[] = []
  for (let index = 0; index < VALUES; index++) {
    const key = `report-${round}-${index}`
    const [first, ...others] = [...services.slice(index % 3), ...services.slice(0, index % 3)]
    asked.push(first!.order('org-1', key))
    await drill.until('the leader', () => drill.database.hasAsked('org-1', key))
    asked.push(...others.map((service) => service.order('org-1', key)))
  }
  await Promise.all(asked)
}

async function whileRunning(running: Promise<unknown>, turn: () => Promise<unknown>): Promise<void> {
  let isOver = false
  const ended = running.finally(() => {
    isOver = true
  })
  // Whoever awaits it below still sees it.
  ended.catch(() => {})
  while (!isOver) await turn()
  await ended
}

function flights(metrics: string): number {
  return Number(/^cache_flights\{.*\} (\d+)$/m.exec(metrics)?.[1] ?? 0)
}
