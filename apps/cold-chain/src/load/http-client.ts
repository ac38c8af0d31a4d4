import { Agent, request } from 'node:http'

export interface HttpAnswer {
  readonly status: number
  readonly cacheStatus: string
  readonly text: string
}

/** A small JSON client: `fetch` costs several times the processor time, which the server next door needs. */
export class HttpClient {
  readonly #origin: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512 })

  constructor(url: string) {
    this.#origin = new URL(url)
  }

  async json<T>(method: 'GET' | 'POST', path: string, options: { token?: string; body?: unknown } = {}): Promise<T> {
    const { status, text } = await this.send(method, path, options)
    if (status >= 300) throw new Error(`${method} ${path} was answered with ${status}: ${text.slice(0, 200)}`)
    return JSON.parse(text) as T
  }

  send(
    method: 'GET' | 'POST',
    path: string,
    { token, body, after }: { token?: string; body?: unknown; after?: string | undefined } = {},
  ): Promise<HttpAnswer> {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const headers: Record<string, string | number> = {}
    if (token) headers.authorization = `Bearer ${token}`
    if (after) headers['cache-after'] = after
    if (payload) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = Buffer.byteLength(payload)
    }
    const { hostname, port } = this.#origin
    return new Promise((resolve, reject) => {
      const sent = request({ hostname, port, method, path, headers, agent: this.#agent }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            cacheStatus: String(response.headers['cache-status'] ?? ''),
            text,
          }),
        )
      })
      sent.on('error', reject)
      sent.setTimeout(30_000, () => sent.destroy(new Error(`${method} ${path} was not answered within 30 s`)))
      sent.end(payload)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
