import { type App, startApp } from '../../../../apps/cold-chain/src/app.ts'
import type { BoardUnit } from '../../../../apps/cold-chain/src/dashboard/queries/unit-board.ts'
import type { Database } from '../../../../apps/cold-chain/src/database/database.ts'
import { readSettings } from '../../../../apps/cold-chain/src/settings.ts'

export const SECRET = 'a secret for the tests'

/** Three organisations of two sites and four units each, nothing simulated, a port that is free. */
const ENVIRONMENT = {
  PORT: '0',
  ORGS: '3',
  SITES_PER_ORG: '2',
  UNITS_PER_ORG: '4',
  SIMULATOR: 'off',
  SESSION_SECRET: SECRET,
  LOG_LEVEL: 'silent',
}

export function startTestApp(database: Database, environment: Record<string, string> = {}): Promise<App> {
  return startApp(readSettings({ ...ENVIRONMENT, ...environment }), { database })
}

export interface TestAnswer {
  readonly status: number
  readonly cacheStatus: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any
}

/** Requests of one signed-in organisation, without a network. */
export class TenantClient {
  readonly app: App
  readonly organisationId: string
  readonly token: string

  constructor(app: App, organisationId: string) {
    this.app = app
    this.organisationId = organisationId
    this.token = app.tokens.issue(organisationId).token
  }

  get(path: string, headers: Record<string, string> = {}): Promise<TestAnswer> {
    return this.#send('GET', path, undefined, headers)
  }

  post(path: string, body?: unknown): Promise<TestAnswer> {
    return this.#send('POST', path, body, {})
  }

  async units(): Promise<(BoardUnit & { deviceId: number; siteId: number })[]> {
    const { body } = await this.get('units')
    return body.sites.flatMap((site: { id: number; units: BoardUnit[] }) =>
      site.units.map((unit) => ({ ...unit, siteId: site.id })),
    )
  }

  /** A reading of this unit: inside its limits, or far outside. */
  reading(unit: BoardUnit, kind: 'cold' | 'warm'): Promise<TestAnswer> {
    const celsius =
      kind === 'cold' ? (unit.minimumCelsius + unit.maximumCelsius) / 2 : unit.maximumCelsius + 2 * unit.criticalMargin
    return this.post('readings', { deviceId: unit.deviceId, celsius })
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<TestAnswer> {
    const response = await this.app.server.inject({
      method,
      url: `/api/organisations/${this.organisationId}/${path}`,
      headers: { authorization: `Bearer ${this.token}`, ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    })
    const cacheStatus = response.headers['cache-status']
    return {
      status: response.statusCode,
      cacheStatus: cacheStatus === undefined ? undefined : String(cacheStatus),
      body: response.json(),
    }
  }
}
