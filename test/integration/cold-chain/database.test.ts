import { readdir } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Database, Queryable } from '../../../apps/cold-chain/src/database/database.ts'
import { migrate } from '../../../apps/cold-chain/src/database/migrate.ts'
import { fillHistory } from '../../../apps/cold-chain/src/demo/fill-history.ts'
import { seedOrganisations } from '../../../apps/cold-chain/src/demo/seed-organisations.ts'
import { pruneReadings } from '../../../apps/cold-chain/src/domain/prune.ts'
import { readSettings } from '../../../apps/cold-chain/src/settings.ts'
import { DATABASES, type DatabaseSource, freshSchema } from './kit/databases.ts'

const MIGRATIONS = new URL('../../../apps/cold-chain/migrations/', import.meta.url)
const { demo } = readSettings({ ORGS: '2', SITES_PER_ORG: '2', UNITS_PER_ORG: '4' })

describe.each(DATABASES)('the database, on $name', ({ name, begin }) => {
  let source: DatabaseSource
  let database: Database

  beforeAll(async () => {
    source = await begin()
  })
  afterAll(() => source?.end())
  beforeEach(async () => {
    database = await source.open()
  })
  afterEach(() => database.close())

  const count = async (table: string): Promise<number> =>
    (await database.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`))[0]!.n

  it('is migrated once, however often it is asked for', async () => {
    await migrate(database)
    await migrate(database)
    expect(await count('migrations')).toBe((await readdir(MIGRATIONS)).length)
  })

  it('refuses a migration that was edited after it had been applied', async () => {
    await migrate(database)
    await database.query("UPDATE migrations SET checksum = 'another' WHERE number = 2")
    await expect(migrate(database)).rejects.toThrow('Migration 0002-units-and-readings.sql was edited')
  })

  it('is filled with demo data once', async () => {
    await migrate(database)
    expect(await seedOrganisations(database, demo)).toBe(true)
    expect(await seedOrganisations(database, demo)).toBe(false)
    expect([await count('organisations'), await count('sites'), await count('units'), await count('devices')]).toEqual([
      2, 4, 8, 8,
    ])
  })

  it('gets the history it lacks, and no reading twice', async () => {
    await migrate(database)
    await seedOrganisations(database, demo)
    const yesterday = Date.now() - 12 * 3_600_000
    await fillHistory(database, yesterday)
    await fillHistory(database)
    await fillHistory(database)
    const [row] = await database.query<{ readings: number; most: number }>(
      'SELECT count(*)::int AS readings, max(readings) AS most FROM reading_rollups WHERE unit_id = 1',
    )
    // 144 steps a day, and half a day more; the step that is not over yet is left to the sensors.
    expect(row).toEqual({ readings: 144 + 72, most: 1 })
  })

  it('forgets readings and rollups that are too old, and keeps every alert', async () => {
    await migrate(database)
    await seedOrganisations(database, demo)
    await fillHistory(database)
    const alerts = await count('alerts')
    const readings = await count('readings')
    const border = new Date(Date.now() - 6 * 3_600_000)
    const removed = await pruneReadings(database, border, new AbortController().signal)
    const [oldest] = await database.query<{ at: Date }>('SELECT min(taken_at) AS at FROM readings')
    expect(removed).toBeGreaterThan(0)
    expect(await count('readings')).toBe(readings - removed)
    expect(oldest!.at >= border).toBe(true)
    expect(await count('alerts')).toBe(alerts)
  })

  it('undoes a transaction that fails', async () => {
    await migrate(database)
    await seedOrganisations(database, demo)
    const failing = database.transaction(async (transaction) => {
      await transaction.query("UPDATE organisations SET name = 'changed'")
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await database.query("SELECT 1 FROM organisations WHERE name = 'changed'")).toEqual([])
  })

  it('runs a statement again that failed before, in a transaction too', async () => {
    const divide = async (on: Queryable, by: number) =>
      (await on.query<{ result: number }>('SELECT 12 / $1::int AS result', [by]))[0]?.result
    await expect(divide(database, 0)).rejects.toMatchObject({ code: '22012' })
    expect(await divide(database, 3)).toBe(4)
    await expect(database.transaction((transaction) => divide(transaction, 0))).rejects.toMatchObject({ code: '22012' })
    expect(await database.transaction((transaction) => divide(transaction, 2))).toBe(6)
    await expect(database.query('SELECT nonsense($1)', [1])).rejects.toMatchObject({ code: '42883' })
    await expect(database.query('SELECT nonsense($1)', [1])).rejects.toMatchObject({ code: '42883' })
  })

  it('takes and gives each kind of parameter as it is, with any number of statements', async () => {
    const at = new Date('2026-03-01T12:00:00.123Z')
    const sql =
      'SELECT $1::text AS text, $2::float8 AS number, $3::boolean AS yes, $4::timestamptz AS at, $5::text AS none'
    for (const text of ["Kühlhaus 'Ost'", '', 'null'])
      expect(await database.query(sql, [text, -1.5, true, at, null])).toEqual([
        { text, number: -1.5, yes: true, at, none: null },
      ])
    for (let index = 0; index < 250; index += 1)
      expect(await database.query(`SELECT $1::int + ${index} AS sum`, [1])).toEqual([{ sum: index + 1 }])
    expect(await database.query('SELECT $1::int + 249 AS sum', [2])).toEqual([{ sum: 251 }])
  })

  it('tells the SQLSTATE of what it refuses', async () => {
    await expect(database.query('SELECT 1 FROM nowhere')).rejects.toMatchObject({ code: '42P01' })
  })

  it.runIf(name === 'PostgreSQL')('is migrated and filled once by processes that start together', async () => {
    const schema = freshSchema()
    const together = await Promise.all([source.open(schema), source.open(schema), source.open(schema)])
    try {
      await Promise.all(together.map((one) => migrate(one)))
      const seeded = await Promise.all(together.map((one) => seedOrganisations(one, demo)))
      expect(seeded.filter(Boolean)).toHaveLength(1)
      expect(await together[0]!.query('SELECT id FROM organisations')).toHaveLength(2)
    } finally {
      await Promise.all(together.map((one) => one.close()))
    }
  })
})
