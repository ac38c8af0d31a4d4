import { io, type Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '../../../apps/cold-chain/src/app.ts'
import { TenantTokens } from '../../../apps/cold-chain/src/http/tenant-token.ts'
import { DATABASES, type DatabaseSource } from './kit/databases.ts'
import { SECRET, startTestApp, TenantClient } from './kit/test-app.ts'

/** Every route of one organisation, with the ids of things that belong to tenant B. A new route must be listed here. */
function routesOf(ids: {
  unitId: number
  alertId: number
  deviceId: number
}): { method: 'GET' | 'POST'; path: string; body?: object; foreign?: true }[] {
  return [
    { method: 'GET', path: 'unit-status' },
    { method: 'GET', path: 'alerts' },
    { method: 'GET', path: 'alerts/open' },
    { method: 'GET', path: 'compliance' },
    { method: 'GET', path: 'trends' },
    { method: 'GET', path: 'devices' },
    { method: 'GET', path: 'stats' },
    { method: 'GET', path: `units/${ids.unitId}/trend`, foreign: true },
    { method: 'GET', path: 'units' },
    { method: 'POST', path: 'readings', body: { deviceId: ids.deviceId, celsius: 99 }, foreign: true },
    { method: 'POST', path: `units/${ids.unitId}/open-door`, foreign: true },
    { method: 'GET', path: 'alerts/history' },
    { method: 'POST', path: `alerts/${ids.alertId}/acknowledge`, foreign: true },
    { method: 'POST', path: `alerts/${ids.alertId}/resolve`, foreign: true },
  ]
}

/** Fastify prints its routes as a tree, four characters a level. */
function allRoutes(tree: string): { method: string; path: string }[] {
  const above: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent, part, methods] = /^([│ ]*)[├└]── (\S+) \((.+)\)$/.exec(line) ?? []
    if (indent === undefined) return []
    const depth = indent.length / 4
    above.splice(depth, Infinity, part!)
    const path = above.join('').replace('//', '/')
    return methods!.split(', ').map((method) => ({ method, path }))
  })
}

describe.each(DATABASES)('S3-7: tenants stay apart, on $name', ({ begin }) => {
  let source: DatabaseSource
  let app: App
  let a: TenantClient
  let b: TenantClient
  let routes: ReturnType<typeof routesOf>
  let url: string

  beforeAll(async () => {
    source = await begin()
    app = await startTestApp(await source.open())
    url = await app.listen()
    a = new TenantClient(app, 'org-1')
    b = new TenantClient(app, 'org-2')
    const [unit] = await b.units()
    await b.reading(unit!, 'warm')
    const [alert] = (await b.get('alerts/open')).body.alerts
    routes = routesOf({ unitId: unit!.id, alertId: alert.id, deviceId: unit!.deviceId })
  })
  afterAll(async () => {
    await app?.close()
    await source?.end()
  })

  const send = (organisationId: string, route: (typeof routes)[number], token: string | undefined) =>
    app.server.inject({
      method: route.method,
      url: `/api/organisations/${organisationId}/${route.path}`,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(route.body ? { payload: route.body } : {}),
    })
  /** What a refused request must leave alone: entries, reads, fills, invalidations, and everything in the database. */
  const state = async (): Promise<Record<string, unknown>> => {
    const { requests, fills, invalidations, tiers } = app.cache.cache!.stats()
    const rows = await app.database.query(
      'SELECT id, version::int, (SELECT count(*)::int FROM readings) AS readings FROM organisations ORDER BY id',
    )
    return { requests, fills, invalidations, entries: tiers.memory!.entries, rows }
  }

  it('the list above is complete', () => {
    const listed = routes.map(({ method, path }) => `${method} ${path.replace(/\d+/g, ':id')}`).sort()
    const prefix = '/api/organisations/:organisationId/'
    const known = allRoutes(app.server.printRoutes({ commonPrefix: false }))
      .filter(({ method, path }) => method !== 'HEAD' && path.startsWith(prefix))
      .map(({ method, path }) => `${method} ${path.slice(prefix.length).replace(/:\w+/g, ':id')}`)
      .sort()
    expect(known).toEqual(listed)
  })

  it.each<[string, () => string | undefined, number]>([
    ['no token', () => undefined, 401],
    [
      'a forged token',
      () => `${a.token.split('.')[0]}.${new TenantTokens('another secret').issue('org-2').token.split('.')[1]}`,
      401,
    ],
    ['a token of another installation', () => new TenantTokens('another secret').issue('org-2').token, 401],
    ['a token that has ended', () => new TenantTokens(SECRET).issue('org-2', Date.now() - 48 * 3_600_000).token, 401],
    ['garbage', () => 'x'.repeat(5_000), 401],
    ["tenant A's token", () => a.token, 403],
  ])('%s opens no route of tenant B, and nothing is read, kept, written or invalidated', async (_, token, status) => {
    const before = await state()
    for (const route of routes) {
      const answer = await send('org-2', route, token())
      expect([route.path, answer.statusCode]).toEqual([route.path, status])
      expect(Object.keys(answer.json()).sort()).toEqual(['code', 'message'])
    }
    expect(await state()).toEqual(before)
  })

  it('tenant A finds nothing of B below its own path; nothing is kept, written or invalidated', async () => {
    const { entries, invalidations, rows } = await state()
    for (const route of routes.filter(({ foreign }) => foreign)) {
      const answer = await send('org-1', route, a.token)
      expect([route.path, answer.statusCode]).toEqual([route.path, 404])
    }
    expect(await state()).toMatchObject({ entries, invalidations, rows })
  })

  it.each(['org-1%00', 'org-1/../org-2', '*', 'org-', 'ORG-1', '%2e%2e', 'org-1:org-2'])(
    'an id like %s is no way around',
    async (id) => {
      const { statusCode } = await app.server.inject({
        url: `/api/organisations/${id}/stats`,
        headers: { authorization: `Bearer ${a.token}` },
      })
      expect([400, 403, 404]).toContain(statusCode)
    },
  )

  it('one tenant answers from its own entries only, whatever was asked before', async () => {
    for (const path of ['stats', 'unit-status', 'alerts']) {
      await b.get(path)
      const mine = await a.get(path)
      expect([path, mine.body.organizationId ?? 'org-1']).toEqual([path, 'org-1'])
    }
    expect((await a.get('alerts')).body.pending).toBe(0)
    expect((await b.get('alerts')).body.pending).toBe(1)
  })

  it('a change of B invalidates nothing of A', async () => {
    await a.get('stats')
    const [unit] = await b.units()
    await b.reading(unit!, 'cold')
    await b.reading(unit!, 'warm')
    expect((await a.get('stats')).cacheStatus).toContain('; hit;')
  })

  describe('over the socket', () => {
    const sockets: Socket[] = []
    const open = (auth: object): Socket => {
      const socket = io(url, { auth, transports: ['websocket'], forceNew: true, reconnection: false })
      sockets.push(socket)
      return socket
    }
    const connected = (socket: Socket) =>
      new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject))
    afterAll(() => {
      for (const socket of sockets) socket.disconnect()
    })

    it.each([{}, { token: 'x' }, { token: 7 }, { token: { organisationId: 'org-2' } }])(
      '%j is refused',
      async (auth) => {
        await expect(connected(open(auth))).rejects.toThrow('UNAUTHORISED')
      },
    )

    it("tenant A cannot subscribe to B's sites and units, nor to something that is none", async () => {
      const socket = open({ token: a.token, scope: 'places' })
      await connected(socket)
      const [unit] = await b.units()
      expect(await socket.emitWithAck('subscribe', { unitId: unit!.id })).toEqual({ ok: false, code: 'NOT_FOUND' })
      expect(await socket.emitWithAck('subscribe', { siteId: unit!.siteId })).toEqual({ ok: false, code: 'NOT_FOUND' })
      for (const place of [
        null,
        'org:org-2',
        { room: 'org:org-2' },
        { unitId: '1' },
        { unitId: 1, siteId: 1 },
        { unitId: -1 },
      ]) {
        expect(await socket.emitWithAck('subscribe', place)).toEqual({ ok: false, code: 'INVALID_PLACE' })
      }
    })

    it('hears its own organisation only; a place only what it subscribed to', async () => {
      const [mine, other] = await a.units()
      const [foreign] = await b.units()
      const whole = open({ token: a.token })
      const place = open({ token: a.token, scope: 'places' })
      await Promise.all([connected(whole), connected(place)])
      expect(await place.emitWithAck('subscribe', { unitId: mine!.id })).toEqual({ ok: true })
      const heard: string[] = []
      whole.on('unitUpdate', ({ unit }) => heard.push(`whole ${unit.id}`))
      place.on('unitUpdate', ({ unit }) => heard.push(`place ${unit.id}`))
      const last = new Promise((resolve) => place.on('alertCreated', resolve))
      await b.reading(foreign!, 'cold')
      await a.reading(other!, 'warm')
      await a.reading(mine!, 'warm')
      await last
      expect(heard.sort()).toEqual([`place ${mine!.id}`, `whole ${mine!.id}`, `whole ${other!.id}`].sort())
    })
  })
})
