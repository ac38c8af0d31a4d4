import { expect, test } from 'vitest'
import { nodeAnswers } from '../../../src/redis/node-answers.js'
import type { RedisCommand } from '../../../src/redis-protocol/redis-connection.js'

const failing: Record<string, string> = {
  refused: 'READONLY You cannot read against this server',
  gone: 'MOVED 1 127.0.0.1:7001',
  leaving: 'ASK 1 127.0.0.1:7001',
  between: 'TRYAGAIN Multiple keys request during rehashing of slot',
}

test('what has moved away is asked for elsewhere, by a promise of its own; the rest is answered together', async () => {
  const sentElsewhere: RedisCommand[] = []
  const answers = await nodeAnswers(
    ['here', 'refused', 'gone', 'leaving', 'between'].map((key): RedisCommand => ['GET', key]),
    {
      here: async ([, key]) => {
        if (failing[key!] !== undefined) throw new Error(failing[key!])
        return `${key} is here`
      },
      elsewhere: (command) => {
        sentElsewhere.push(command)
        return Promise.resolve(`${command[1]} was found`)
      },
    },
  )
  expect(answers.slice(0, 2)).toEqual(['here is here', new Error(failing.refused)])
  expect(answers.slice(2).every((answer) => answer instanceof Promise)).toBe(true)
  expect(await Promise.all(answers.slice(2))).toEqual(['gone was found', 'leaving was found', 'between was found'])
  expect(sentElsewhere).toHaveLength(3)
})
