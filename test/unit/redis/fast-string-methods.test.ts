import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { openConnection } from '../../../src/redis/open-connection.js'

/** What V8 says of the methods of strings; it compiles no call of one that it has to look up in a dictionary. */
function areStringMethodsFast(): unknown {
  setFlagsFromString('--allow-natives-syntax')
  try {
    return runInThisContext('%HasFastProperties(String.prototype)')
  } finally {
    setFlagsFromString('--no-allow-natives-syntax')
  }
}

test('a process that loaded ioredis has fast string methods once the tier has its client', () => {
  class Text extends String {}
  expect(Text.name).toBe('Text')
  expect(areStringMethodsFast()).toBe(false)
  openConnection(new Redis({ lazyConnect: true }))
  expect(areStringMethodsFast()).toBe(true)
})
