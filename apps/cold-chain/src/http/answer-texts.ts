import type { FastifyReply } from 'fastify'

const JSON_TYPE = 'application/json; charset=utf-8'

/**
 * Answers as the bytes that go out, each written once for as long as the cache keeps the value that it says. A hit in
 * memory is the same object every time, so the object is the key: nothing that was refused, invalidated or filled anew
 * can be found under it, and when the cache lets go of the value its bytes go too.
 */
export class AnswerTexts {
  readonly #texts = new WeakMap<object, Buffer>()

  /** Sends a value that nobody changes any more, by the schema of the route. */
  send(reply: FastifyReply, value: object): FastifyReply {
    let text = this.#texts.get(value)
    if (text === undefined) {
      text = Buffer.from(reply.serialize(value) as string)
      this.#texts.set(value, text)
    }
    return reply.type(JSON_TYPE).send(text)
  }
}
