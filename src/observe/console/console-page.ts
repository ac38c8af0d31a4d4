import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConsoleReply, ConsoleRequest } from './console-api.js'
import { refusal } from './console-replies.js'

/** Where the build puts the page: from the compiled file and from the source alike. */
const FOLDER = fileURLToPath(new URL('../../../dist/console/', import.meta.url))

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The page runs, shows and asks for nothing that does not come from its own server, and makes no markup of text. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** The console's page, for any HTTP server. */
export interface ConsolePage {
  /** `path` is below the place where the page is mounted: `/` is the page itself. */
  answer(request: Pick<ConsoleRequest, 'method' | 'path' | 'headers'>): ConsoleReply
}

interface PageFile {
  readonly body: string
  readonly type: string
  readonly etag: string
}

/**
 * The page of the console. It asks for `api/…` beside itself, which is where `consoleApi` has to be. The page holds
 * nothing about any cache, so it is shown to whoever asks. Its files are read once; what is not one of them cannot be
 * asked for.
 */
export function consolePage(): ConsolePage {
  const files = readFiles()
  return {
    answer({ method, path, headers }) {
      if (method !== 'GET' && method !== 'HEAD') return refusal(405, 'WRONG_METHOD', 'This path takes GET.')
      if (files.size === 0) return refusal(503, 'NOT_BUILT', 'The page is not there. Build it: npm run build.')
      const file = files.get(path)
      if (file === undefined) return refusal(404, 'NOT_FOUND', 'There is no such path.')
      const { body, type, etag } = file
      // Names below assets change with what is in them.
      const lasts = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
      const told = { ...HEADERS, 'content-type': type, etag, 'cache-control': lasts }
      return headers['if-none-match'] === etag
        ? { status: 304, headers: told, body: '' }
        : { status: 200, headers: told, body }
    },
  }
}

function readFiles(): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>()
  for (const name of namesBelow(FOLDER)) {
    const type = TYPES[extname(name)]
    if (type === undefined) continue
    const body = readFileSync(join(FOLDER, name), 'utf8')
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 20)}"`
    files.set(name === 'index.html' ? '/' : `/${name.replaceAll('\\', '/')}`, { body, type, etag })
  }
  return files
}

function namesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
