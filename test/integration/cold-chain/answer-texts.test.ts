import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AnswerTexts } from '../../../apps/cold-chain/src/http/answer-texts.ts'

/** An answer that counts how often it is written. */
class Counted {
  writes = 0
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  get name(): string {
    this.writes += 1
    return this.#name
  }
}

const schema = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } }

describe('answers that are written once', () => {
  let server: FastifyInstance
  let answers: Record<string, object>

  beforeEach(() => {
    const texts = new AnswerTexts()
    answers = {}
    server = Fastify()
    server.get<{ Params: { id: string } }>('/:id', { schema: { response: { 200: schema } } }, (request, reply) =>
      texts.send(reply, answers[request.params.id]!),
    )
  })
  afterEach(() => server.close())

  it('by the schema of the route, for as long as the value is the same', async () => {
    const kept = new Counted('Kühlhaus')
    answers['org-1'] = kept
    const first = await server.inject('/org-1')
    const again = await server.inject('/org-1')
    expect(first.body).toBe('{"name":"Kühlhaus"}')
    expect(again.body).toBe(first.body)
    expect(again.headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'content-length': '20' })
    expect(kept.writes).toBe(1)
  })

  it('S3-7: never for another value, be it of the same tenant later on or of another tenant', async () => {
    answers['org-1'] = { name: 'before' }
    answers['org-2'] = { name: 'of another' }
    const asked = async (): Promise<string[]> =>
      Promise.all(['/org-1', '/org-2'].map(async (path) => (await server.inject(path)).json().name))
    expect(await asked()).toEqual(['before', 'of another'])
    answers['org-1'] = { name: 'after' }
    expect(await asked()).toEqual(['after', 'of another'])
  })
})
