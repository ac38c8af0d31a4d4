import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TestHttpServer {
  readonly url: string
  /** Bodies of the requests that came in, in their order. */
  readonly bodies: string[]
  readonly requests: IncomingMessage[]
  close(): Promise<void>
}

/** An HTTP server that answers as a test says; `answer` is called when the whole request is there. */
export async function startHttpServer(answer: RequestListener): Promise<TestHttpServer> {
  const bodies: string[] = []
  const requests: IncomingMessage[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    bodies.push(Buffer.concat(chunks).toString())
    requests.push(request)
    answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    requests,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
