import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'

const PUBLIC = fileURLToPath(new URL('../../public/', import.meta.url))
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}
/** The page runs nothing and shows nothing that does not come from this server. */
const CONTENT_SECURITY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

/** The page: its own files and uPlot's, read once at start. What is not on this list cannot be asked for. */
export function registerStaticFiles(server: FastifyInstance): void {
  const files = new Map<string, string>([
    ['/', join(PUBLIC, 'index.html')],
    ['/vendor/uplot.js', fileURLToPath(new URL('./uPlot.esm.js', import.meta.resolve('uplot')))],
    ['/vendor/uplot.css', fileURLToPath(new URL('./uPlot.min.css', import.meta.resolve('uplot')))],
  ])
  for (const name of readdirSync(PUBLIC, { recursive: true, encoding: 'utf8' })) {
    if (TYPES[extname(name)] && name !== 'index.html') files.set(`/${name.replaceAll('\\', '/')}`, join(PUBLIC, name))
  }
  for (const [path, file] of files) registerFile(server, path, file)
}

function registerFile(server: FastifyInstance, path: string, file: string): void {
  const body = readFileSync(file)
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 20)}"`
  server.get(path, (request, reply) => {
    reply.headers({
      etag,
      'cache-control': 'no-cache',
      'content-security-policy': CONTENT_SECURITY,
      'x-content-type-options': 'nosniff',
    })
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    return reply.type(TYPES[extname(file)] ?? 'application/octet-stream').send(body)
  })
}
