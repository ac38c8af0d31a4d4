import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../../apps/cold-chain/src/database/database.ts'
import { migrate } from '../../../apps/cold-chain/src/database/migrate.ts'
import { seedOrganisations } from '../../../apps/cold-chain/src/demo/seed-organisations.ts'
import type { Change } from '../../../apps/cold-chain/src/domain/change.ts'
import { markOffline } from '../../../apps/cold-chain/src/domain/mark-offline.ts'
import { ReadingWriter } from '../../../apps/cold-chain/src/domain/reading-writer.ts'
import { storeReadings } from '../../../apps/cold-chain/src/domain/store-readings.ts'
import { readSettings } from '../../../apps/cold-chain/src/settings.ts'
import { DATABASES, type DatabaseSource } from './kit/databases.ts'

const { demo } = readSettings({ ORGS: '2', SITES_PER_ORG: '1', UNITS_PER_ORG: '10' })

describe.each(DATABASES)('readings, on $name', ({ begin }) => {
  let source: DatabaseSource
  let database: Database
  /** Vaccine fridges, 2 to 8 °C, critical from 2 beyond: each test takes one for itself. */
  let fridges: { deviceId: number; unitId: number; organisationId: string }[]

  beforeAll(async () => {
    source = await begin()
    database = await source.open()
    await migrate(database)
    await seedOrganisations(database, demo)
    fridges = await database.query(
      `SELECT d.id AS "deviceId", u.id AS "unitId", u.organisation_id AS "organisationId"
       FROM devices d JOIN units u ON u.id = d.unit_id WHERE u.kind = 'fridge' AND u.organisation_id = 'org-1' ORDER BY u.id`,
    )
  })
  afterAll(async () => {
    await database?.close()
    await source?.end()
  })

  const read = async (
    fridge: (typeof fridges)[number],
    celsius: number,
    takenAt = new Date(),
  ): Promise<readonly Change[]> => (await storeReadings(database, [{ ...fridge, celsius, takenAt }])).changes
  const typesOf = (changes: readonly Change[]): string[] => changes.map(({ type }) => type)

  it('inside the limits change nothing', async () => {
    expect(await read(fridges[0]!, 5)).toEqual([])
  })

  it('beyond a limit raise an alert, further out escalate it, back inside resolve it', async () => {
    const [fridge] = fridges
    expect(typesOf(await read(fridge!, 9))).toEqual(['unit-state-changed', 'alert-raised'])
    expect(typesOf(await read(fridge!, 9.1))).toEqual([])
    expect(typesOf(await read(fridge!, 12))).toEqual(['unit-state-changed', 'alert-escalated'])
    expect(typesOf(await read(fridge!, 9))).toEqual(['unit-state-changed'])
    expect(typesOf(await read(fridge!, 5))).toEqual(['unit-state-changed', 'alert-resolved'])
  })

  it('count the version of the organisation up with each change, and not without', async () => {
    const [, fridge] = fridges
    const before = (await read(fridge!, 12))[0]!.version
    await read(fridge!, 12)
    const after = await read(fridge!, 5)
    expect(after.map(({ version }) => version)).toEqual([before + 1, before + 1])
  })

  it('that come late are kept, and change no state', async () => {
    const [, , fridge] = fridges
    await read(fridge!, 5)
    expect(await read(fridge!, 20, new Date(Date.now() - 60_000))).toEqual([])
    const [row] = await database.query<{ readings: number; celsius: number }>(
      'SELECT (SELECT count(*)::int FROM readings WHERE unit_id = u.id) AS readings, celsius FROM units u WHERE id = $1',
      [fridge!.unitId],
    )
    expect(row).toEqual({ readings: 2, celsius: 5 })
  })

  it('are summed up in steps of ten minutes', async () => {
    const [, , , fridge] = fridges
    const base = new Date(Math.floor(Date.now() / 600_000) * 600_000 - 600_000)
    for (const [index, celsius] of [4, 6, 12].entries())
      await read(fridge!, celsius, new Date(base.getTime() + index * 1_000))
    const rows = await database.query(
      'SELECT readings, in_range, sum_celsius, minimum_celsius, maximum_celsius FROM reading_rollups WHERE unit_id = $1',
      [fridge!.unitId],
    )
    expect(rows).toEqual([{ readings: 3, in_range: 2, sum_celsius: 22, minimum_celsius: 4, maximum_celsius: 12 }])
  })

  it('of a device that was silent bring it back; a silent one keeps its temperature alert', async () => {
    const [, fridge] = fridges
    await read(fridge!, 12)
    await database.query("UPDATE devices SET seen_at = now() - interval '1 hour' WHERE id = $1", [fridge!.deviceId])
    const gone = await markOffline(database, { silentSince: new Date(Date.now() - 1_800_000), limit: 10 })
    expect(typesOf(gone)).toEqual(['unit-state-changed', 'device-status-changed', 'alert-raised'])
    const back = await read(fridge!, 12)
    expect(typesOf(back)).toEqual(['unit-state-changed', 'device-status-changed', 'alert-resolved'])
    expect(back.find(({ type }) => type === 'alert-resolved')).toMatchObject({ alert: { kind: 'offline' } })
  })

  it('S3-7: of a device of another organisation are stored nowhere', async () => {
    const { stored, changes } = await storeReadings(database, [
      { ...fridges[0]!, organisationId: 'org-2', celsius: 99, takenAt: new Date() },
    ])
    expect({ stored, changes }).toEqual({ stored: [undefined], changes: [] })
    expect(await database.query('SELECT 1 FROM readings WHERE celsius = 99')).toEqual([])
  })

  it('that come together share a transaction; an unknown device does not fail the others', async () => {
    const batches: number[] = []
    const writer = new ReadingWriter({ database, committed: async (_, stored) => void batches.push(stored.length) })
    const at = { celsius: 5, takenAt: new Date() }
    const written = await Promise.all([
      writer.write({ ...fridges[0]!, ...at }),
      writer.write({ ...fridges[1]!, ...at }),
      writer.write({ ...fridges[2]!, deviceId: 999_999, ...at }),
      writer.write({ ...fridges[2]!, ...at }),
    ])
    await writer.drain()
    expect(written.map(({ state }) => state)).toEqual(['stored', 'stored', 'unknown-device', 'stored'])
    // The first one goes alone at once; what came while it was written goes together.
    expect(batches).toEqual([1, 2])
  })

  it('of one device are stored one after the other, each seeing what the one before did', async () => {
    const writer = new ReadingWriter({ database, committed: async () => {} })
    const fridge = fridges[0]!
    const now = Date.now()
    const written = await Promise.all(
      [12, 5, 12, 5].map((celsius, index) => writer.write({ ...fridge, celsius, takenAt: new Date(now + index) })),
    )
    await writer.drain()
    expect(written.map((one) => (one.state === 'stored' ? typesOf(one.changes)[1] : one.state))).toEqual([
      'alert-raised',
      'alert-resolved',
      'alert-raised',
      'alert-resolved',
    ])
  })

  it('are refused when too many wait', async () => {
    const writer = new ReadingWriter({ database, committed: async () => {}, maxQueued: 1, maxBatch: 1 })
    const reading = { ...fridges[0]!, celsius: 5, takenAt: new Date() }
    const first = writer.write(reading)
    const second = writer.write(reading)
    await expect(writer.write(reading)).rejects.toThrow('waiting to be stored already')
    await Promise.all([first, second])
    await writer.drain()
  })
})
