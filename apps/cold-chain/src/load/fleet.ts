import type { BoardSite } from '../dashboard/queries/unit-board.js'
import type { HttpClient } from './http-client.js'

export interface Tenant {
  readonly id: string
  readonly token: string
}

export interface FleetUnit {
  readonly id: number
  readonly deviceId: number
  readonly tenant: Tenant
  readonly coldCelsius: number
  readonly warmCelsius: number
  /** What the last reading said. */
  isWarm: boolean
}

/** Every organisation of the server with its token, and every unit with a temperature inside and one outside its limits. */
export interface Fleet {
  readonly tenants: readonly Tenant[]
  readonly units: readonly FleetUnit[]
}

export async function loadFleet(client: HttpClient, random: () => number): Promise<Fleet> {
  const { organisations } = await client.json<{ organisations: { id: string }[] }>('GET', '/api/organisations')
  const tenants: Tenant[] = []
  const units: FleetUnit[] = []
  for (const { id } of organisations) {
    const { token } = await client.json<{ token: string }>('POST', '/api/sessions', { body: { organisationId: id } })
    const tenant = { id, token }
    tenants.push(tenant)
    const { sites } = await client.json<{ sites: BoardSite[] }>('GET', `/api/organisations/${id}/units`, { token })
    for (const unit of sites.flatMap((site) => site.units)) {
      if (unit.deviceId === null) continue
      const { id: unitId, deviceId, minimumCelsius, maximumCelsius, criticalMargin, state } = unit
      const coldCelsius = (minimumCelsius + maximumCelsius) / 2
      const warmCelsius = maximumCelsius + 1.5 * criticalMargin
      units.push({
        id: unitId,
        deviceId,
        tenant,
        coldCelsius,
        warmCelsius,
        isWarm: state === 'critical' || state === 'warning',
      })
    }
  }
  return { tenants, units: shuffle(units, random) }
}

function shuffle<T>(items: T[], random: () => number): T[] {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1))
    ;[items[index], items[other]] = [items[other]!, items[index]!]
  }
  return items
}
