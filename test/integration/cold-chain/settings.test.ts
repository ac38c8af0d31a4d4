import { describe, expect, it } from 'vitest'
import { readSettings, SettingsError } from '../../../apps/cold-chain/src/settings.ts'

describe('settings', () => {
  it('need nothing: port 3000 of this machine, the embedded database, memory alone', () => {
    expect(readSettings({})).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      databaseUrl: undefined,
      cache: { mode: 'memory', ttlSeconds: 60, redis: undefined },
      eventNames: { unitUpdate: 'unitUpdate', alertCreated: 'alertCreated', alertResolved: 'alertResolved' },
    })
  })

  it.each([
    [{ REDIS_URL: 'redis://10.0.0.1:7000' }, { mode: 'memory+shared', redis: { url: 'redis://10.0.0.1:7000' } }],
    [{ REDIS_HOST: 'cache.local' }, { mode: 'memory+shared', redis: { host: 'cache.local', port: 6379 } }],
    [{ REDIS_PORT: '7000' }, { mode: 'memory+shared', redis: { host: '127.0.0.1', port: 7000 } }],
    [{ REDIS_URL: 'redis://a:1', REDIS_HOST: 'b' }, { redis: { url: 'redis://a:1' } }],
    [{ REDIS_HOST: 'b', CACHE_TIERS: 'shared' }, { mode: 'shared' }],
    [{ REDIS_HOST: 'b', CACHE_TIERS: 'memory' }, { mode: 'memory' }],
    [{ REDIS_HOST: 'b', CACHE: 'off' }, { mode: 'off' }],
    [{ CACHE_TTL_SECONDS: '30' }, { mode: 'memory', ttlSeconds: 30 }],
  ])('S2-37: %j chooses the tiers', (environment, cache) => {
    expect(readSettings(environment as Record<string, string>).cache).toMatchObject(cache)
  })

  it('S2-38: event names can be chosen', () => {
    expect(readSettings({ EVENT_UNIT_UPDATE: 'unit:state:changed' }).eventNames.unitUpdate).toBe('unit:state:changed')
  })

  it.each([
    ['PORT', '99999', 'a whole number from 0 to 65535'],
    ['PORT', '80a', 'a whole number from 0 to 65535'],
    ['PORT', '-1', 'a whole number from 0 to 65535'],
    ['HOST', 'a b', 'a host name or address'],
    ['CACHE', 'maybe', 'one of on, off'],
    ['CACHE_TIERS', 'disk', 'one of memory, memory+shared, shared'],
    ['CACHE_TIERS', 'shared', "'memory', unless REDIS_URL or REDIS_HOST is set"],
    ['CACHE_TTL_SECONDS', '0', 'a number from 1 to 86400'],
    ['CACHE_TTL_SECONDS', '60s', 'a number from 1 to 86400'],
    ['REDIS_PORT', '0', 'a whole number from 1 to 65535'],
    ['ORGS', '0', 'a whole number from 1 to 10000'],
    ['OFFLINE_AFTER_SECONDS', '10', 'at least twice READING_INTERVAL_SECONDS'],
    ['EVENT_ALERT_CREATED', 'connect', 'none of connect, connect_error'],
    ['EVENT_ALERT_CREATED', '1st', 'a letter, then letters, digits'],
    ['LOG_LEVEL', 'loud', 'one of fatal, error'],
    ['SIMULATOR', 'maybe', 'one of on, viewers, off'],
    ['INSTANCE', 'a b', '1 to 32 letters, digits'],
    ['ESCALATE_AFTER_MINUTES', '0', 'a number from 0.01 to 1440'],
    ['ESCALATE_AFTER_MINUTES', '5', 'left out, unless REDIS_URL or REDIS_HOST is set'],
    ['SECOND_BUS', 'on', "'off', unless REDIS_URL or REDIS_HOST is set"],
    ['LONG_POLLING', 'yes', 'one of on, off'],
  ])('%s=%s is refused with the rule', (name, value, rule) => {
    expect(() => readSettings({ [name]: value })).toThrow(SettingsError)
    expect(() => readSettings({ [name]: value })).toThrow(`${name}=${value} is not allowed: it must be ${rule}`)
  })

  it('tells everything that is wrong at once, one line each', () => {
    expect(() => readSettings({ PORT: 'x', CACHE: 'x', ORGS: 'x' })).toThrow(
      /^PORT=x .+\nORGS=x .+\nCACHE=x .+$|^(?=[\s\S]*PORT=x)(?=[\s\S]*ORGS=x)(?=[\s\S]*CACHE=x)/,
    )
  })

  it('S3-11: never repeats a connection string or a secret', () => {
    const environment = {
      DATABASE_URL: 'mysql://admin:hunter2@db',
      REDIS_URL: 'hunter2',
      SESSION_SECRET: 'hunter2',
      CONSOLE_TOKEN: 'hunter2',
    }
    expect(() => readSettings(environment)).toThrow('(hidden)')
    expect(() => readSettings(environment)).not.toThrow('hunter2')
  })

  it('two events cannot share a name', () => {
    expect(() => readSettings({ EVENT_UNIT_UPDATE: 'x', EVENT_ALERT_CREATED: 'x' })).toThrow(
      'a name of its own for each event',
    )
  })
})
