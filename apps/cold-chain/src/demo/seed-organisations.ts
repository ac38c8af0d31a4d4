import type { Database, Queryable } from '../database/database.js'
import type { DemoSettings } from '../settings.js'
import { memberName, organisationName, siteName, unitKind } from './demo-names.js'

/** Fills an empty database with organisations, sites, units, devices and members. Does nothing where there is one already. */
export function seedOrganisations(database: Database, demo: DemoSettings): Promise<boolean> {
  return database.transaction(async (transaction) => {
    await transaction.query("SELECT pg_advisory_xact_lock(hashtext('cold-chain demo'), hashtext(current_schema()))")
    const [found] = await transaction.query('SELECT 1 FROM organisations LIMIT 1')
    if (found) return false
    await insertTenants(transaction, demo)
    await insertUnits(transaction, demo)
    return true
  })
}

async function insertTenants(
  transaction: Queryable,
  { organisations, sitesPerOrganisation }: DemoSettings,
): Promise<void> {
  const tenants = range(organisations).map((index) => ({ id: organisationId(index), name: organisationName(index) }))
  await transaction.query(
    'INSERT INTO organisations (id, name) SELECT id, name FROM jsonb_to_recordset($1::text::jsonb) AS r (id text, name text)',
    [JSON.stringify(tenants)],
  )
  const sites = tenants.flatMap(({ id }) =>
    range(sitesPerOrganisation).map((site) => ({ organisation_id: id, name: siteName(site) })),
  )
  await transaction.query(
    `INSERT INTO sites (organisation_id, name)
     SELECT organisation_id, name FROM jsonb_to_recordset($1::text::jsonb) AS r (organisation_id text, name text)`,
    [JSON.stringify(sites)],
  )
  const members = tenants.flatMap(({ id }, tenant) =>
    range(3 + (tenant % 5)).map((member) => ({
      organisation_id: id,
      name: memberName(7 * tenant + member),
      role: member === 0 ? 'owner' : member === 1 ? 'manager' : 'staff',
    })),
  )
  await transaction.query(
    `INSERT INTO members (organisation_id, name, role)
     SELECT organisation_id, name, role FROM jsonb_to_recordset($1::text::jsonb) AS r (organisation_id text, name text, role text)`,
    [JSON.stringify(members)],
  )
}

async function insertUnits(
  transaction: Queryable,
  { sitesPerOrganisation, unitsPerOrganisation }: DemoSettings,
): Promise<void> {
  const sites = await transaction.query<{ id: number; organisation_id: string }>(
    'SELECT id, organisation_id FROM sites ORDER BY id',
  )
  const units = sites.flatMap((site, index) =>
    unitsOfSite(site, unitsAt(index % sitesPerOrganisation, sitesPerOrganisation, unitsPerOrganisation)),
  )
  await transaction.query(
    `INSERT INTO units (organisation_id, site_id, name, kind, minimum_celsius, maximum_celsius, critical_margin)
     SELECT organisation_id, site_id, name, kind, minimum_celsius, maximum_celsius, critical_margin
     FROM jsonb_to_recordset($1::text::jsonb) AS r (organisation_id text, site_id int, name text, kind text,
       minimum_celsius float8, maximum_celsius float8, critical_margin float8)`,
    [JSON.stringify(units)],
  )
  await transaction.query(
    `INSERT INTO devices (organisation_id, unit_id, serial, seen_at)
     SELECT organisation_id, id, 'CC-' || lpad(id::text, 6, '0'), now() FROM units ORDER BY id`,
  )
}

function unitsOfSite(site: { id: number; organisation_id: string }, count: number) {
  const seen = new Map<string, number>()
  return range(count).map((index) => {
    const { kind, name, minimumCelsius, maximumCelsius, criticalMargin } = unitKind(index)
    const number = (seen.get(name) ?? 0) + 1
    seen.set(name, number)
    return {
      organisation_id: site.organisation_id,
      site_id: site.id,
      name: number === 1 ? name : `${name} ${number}`,
      kind,
      minimum_celsius: minimumCelsius,
      maximum_celsius: maximumCelsius,
      critical_margin: criticalMargin,
    }
  })
}

/** Shares the units out evenly; the first sites get what is left over. */
function unitsAt(site: number, sites: number, units: number): number {
  return Math.floor(units / sites) + (site < units % sites ? 1 : 0)
}

function organisationId(index: number): string {
  return `org-${index + 1}`
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
