import { readCacheStatus } from './cache-status.js'

/** An answer that is not a success, with the server's code. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** The newest receipt that an event brought: whatever is asked from then on is at least as new, in any process. */
export class Api {
  #organisationId = ''
  #token = ''
  #receipt = ''

  static organisations() {
    return send('GET', '/api/organisations').then(({ body }) => body.organisations)
  }

  async signIn(organisationId) {
    const { body } = await send('POST', '/api/sessions', { body: { organisationId } })
    this.#organisationId = organisationId
    this.#token = body.token
    this.#receipt = ''
    return body
  }

  remember(receipt) {
    if (receipt) this.#receipt = receipt
  }

  /** The answer and where it came from: `{ body, instance, source, tookMs }`. */
  get(path) {
    return this.#send('GET', path)
  }

  post(path) {
    return this.#send('POST', path)
  }

  #send(method, path) {
    const headers = { authorization: `Bearer ${this.#token}` }
    if (this.#receipt) headers['cache-after'] = this.#receipt
    return send(method, `/api/organisations/${encodeURIComponent(this.#organisationId)}/${path}`, { headers })
  }
}

async function send(method, path, { headers = {}, body } = {}) {
  const startedAt = performance.now()
  const init = { method, headers: { ...headers } }
  if (body) {
    init.headers['content-type'] = 'application/json'
    init.body = JSON.stringify(body)
  }
  const response = await fetch(path, init)
  const answer = await response.json()
  if (!response.ok) throw new ApiError(response.status, answer.code, answer.message)
  return {
    body: answer,
    /** Which of several instances answered; null where there is one. */
    instance: response.headers.get('instance'),
    source: readCacheStatus(response.headers.get('cache-status')),
    tookMs: performance.now() - startedAt,
  }
}
