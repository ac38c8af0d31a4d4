import { describe, expect, it } from 'vitest'
import { freePort } from '../../servers/free-port.ts'
import { cli } from './run-cli.ts'

const REDIS = ['--redis', 'redis://app:hunter2@127.0.0.1:1']

describe('bad input ends with 2 and one line that says what is wrong', () => {
  it.each([
    [['nothing'], "unknown command 'nothing'"],
    [['get', 'units'], "missing required argument 'key'"],
    [['stats', '--colour'], "unknown option '--colour'"],
    [['stats'], 'Say where: --url <a running service>, --redis <url>, or REDIS_URL'],
    [['stats', '--url', 'http://127.0.0.1', ...REDIS], 'Name either --url or --redis, not both'],
    [['stats', '--url', 'ftp://host'], "--url must be a URL such as 'http://127.0.0.1:3000'"],
    [['stats', '--url', 'http://me:hunter2@host'], '--url must not hold a user or password'],
    [['stats', '--redis', 'hunter2'], "--redis (or REDIS_URL) must be a URL such as 'redis://127.0.0.1:6379'"],
    [['stats', '--redis', 'http://app:hunter2@host'], '--redis (or REDIS_URL) must be a URL'],
    [['stats', '--limit', '0', ...REDIS], "--limit must be a whole number from 1 to 1000000000; got '0'"],
    [['get', 'two words', 'k', ...REDIS], "policy.name must be 1 to 64 letters, digits, '.', '_' or '-'"],
    [['get', 'units', 'k', '--tenant', '', ...REDIS], '--tenant must name a tenant'],
    [['explain', 'units', 'x', '--number', ...REDIS], "A key that is a number must be a safe integer; got 'x'"],
    [['explain', 'units', 'x', '--tenant', 'a\nb', ...REDIS], 'tenant must be text of 1 to 128 characters'],
    [['invalidate', ...REDIS], 'Name what to invalidate: --tag or --entry'],
    [['invalidate', '--entry', 'units', ...REDIS], "An entry is named as 'units:key', or 'units#5'"],
    [['invalidate', '--tag', '', ...REDIS], '--tag[0] must be text of 1 to 128 characters'],
    [['invalidate', '--tag', 'a', '--tenant', '', ...REDIS], '--tenant must name a tenant; leave it out'],
    [['tail', '--max', '0', ...REDIS], "--max must be a whole number from 1 to 1000000000; got '0'"],
    [['tail', '--type', 'invalidate', ...REDIS], '--type must be one of stale, miss,'],
    [['purge', 'org-1'], "This deletes everything of tenant 'org-1'. Say --yes"],
    [['purge', ''], 'Name the tenant'],
    [['purge', 'a', '--yes', '--rate', '0'], "--rate must be a whole number from 1 to 1000000; got '0'"],
    [['purge', 'a', '--yes', '--resume', 'x'], '--resume must be a cursor that a run named'],
  ])('%j', async (args, message) => {
    const { code, out, err } = await cli(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
    expect(err).not.toContain('hunter2')
  })
})

describe('what cannot be reached ends with 3', () => {
  it('Redis, without its password', async () => {
    const port = await freePort()
    const { code, err } = await cli(['stats', '--redis', `redis://app:hunter2@127.0.0.1:${port}/2`])
    expect(code).toBe(3)
    expect(err).toContain(`Redis at redis://127.0.0.1:${port}/2 cannot be reached: `)
    expect(err).toContain('ECONNREFUSED')
    expect(err).not.toContain('hunter2')
  })

  it('a service', async () => {
    const port = await freePort()
    const { code, err } = await cli(['stats', '--url', `http://127.0.0.1:${port}`])
    expect(code).toBe(3)
    expect(err).toContain(`The service at http://127.0.0.1:${port}/freshtier/api cannot be reached`)
  })
})

it('help and version end with 0', async () => {
  expect(await cli(['--version'])).toEqual({ code: 0, out: '1.2.3', err: '' })
  const help = await cli(['--help'])
  expect(help.code).toBe(0)
  expect(help.out).toContain('invalidate')
  expect((await cli([])).code).toBe(2)
})
