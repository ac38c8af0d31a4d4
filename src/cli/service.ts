import { errorText } from '../core/error-text.js'
import { badInput, CliError } from './cli-error.js'
import { EXIT } from './command.js'

const DEADLINE_MS = 10_000
const DEFAULT_MOUNT = '/freshtier'

/** A running service, by its console API. */
export interface Service {
  get(path: string, query?: Record<string, string>): Promise<Record<string, unknown>>
  post(path: string, body: object): Promise<Record<string, unknown>>
  /** Server-sent events, until the user stops or the service does. */
  events(path: string): AsyncIterable<{ event: string; data: Record<string, unknown> }>
}

export function openService(url: string, token: string | undefined, signal: AbortSignal): Service {
  const base = apiOf(url)
  const ask = (path: string, init: RequestInit, until: AbortSignal): Promise<Response> =>
    request(base, path, { token, init, until })
  const soon = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)])
  return {
    get: async (path, query = {}) => {
      const search = new URLSearchParams(query).toString()
      return readJson(await ask(search === '' ? path : `${path}?${search}`, {}, soon()))
    },
    post: async (path, body) => {
      const headers = { 'content-type': 'application/json' }
      return readJson(await ask(path, { method: 'POST', headers, body: JSON.stringify(body) }, soon()))
    },
    events: (path) => readEvents(ask(path, {}, signal), signal),
  }
}

/** `http://host:3000` means the default mount; with a path of its own that is the mount. */
export function apiOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw badInput("--url must be a URL such as 'http://127.0.0.1:3000'.")
  }
  if (url.username !== '' || url.password !== '') {
    throw badInput('--url must not hold a user or password; a token goes into FRESHTIER_TOKEN.')
  }
  const mount = url.pathname === '/' ? DEFAULT_MOUNT : url.pathname.replace(/\/+$/, '')
  return `${url.origin}${mount}/api`
}

async function request(
  base: string,
  path: string,
  { token, init, until }: { token: string | undefined; init: RequestInit; until: AbortSignal },
): Promise<Response> {
  const headers = { ...init.headers, ...(token && { authorization: `Bearer ${token}` }) }
  let response: Response
  try {
    response = await fetch(`${base}${path}`, { ...init, headers, redirect: 'error', signal: until })
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause ?? error
    throw new CliError(EXIT.unreachable, `The service at ${base} cannot be reached: ${errorText(cause)}`)
  }
  if (response.ok) return response
  throw await refused(response, base)
}

async function refused(response: Response, base: string): Promise<CliError> {
  const told = (await response.json().catch(() => ({}))) as { code?: unknown; message?: unknown }
  const { status } = response
  if (typeof told.code !== 'string' || status === 404) {
    return badInput(`There is no console API at ${base} (${status}). Is it mounted? See docs/console-api.md.`)
  }
  const message = errorText(new Error(String(told.message)))
  if (status === 401 || status === 403) return new CliError(EXIT.refused, message)
  return new CliError(status === 400 ? EXIT.badInput : EXIT.unreachable, message)
}

async function readJson(response: Response): Promise<Record<string, unknown>> {
  return (await response.json()) as Record<string, unknown>
}

async function* readEvents(
  asked: Promise<Response>,
  signal: AbortSignal,
): AsyncGenerator<{ event: string; data: Record<string, unknown> }> {
  const { body } = await asked
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  // The signal given to fetch alone does not end a body once the collector has taken what fetch kept for it.
  const stop = (): void => void reader.cancel().catch(() => {})
  signal.addEventListener('abort', stop)
  try {
    let pending = ''
    for (;;) {
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) return
      const parts = (pending + value).split('\n\n')
      pending = parts.pop()!
      for (const part of parts) {
        const match = /^event: (\S+)\ndata: (.*)$/.exec(part)
        if (match) yield { event: match[1]!, data: JSON.parse(match[2]!) as Record<string, unknown> }
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}
