import { signal } from '@preact/signals'

/** Kept in this page's memory only, so that a reload asks for it again and nothing else can read it. */
export const token = signal<string | undefined>(undefined)

/** What the service answered instead of doing it. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export async function get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const search = new URLSearchParams(query).toString()
  return (await (await request(search === '' ? path : `${path}?${search}`, {})).json()) as T
}

export async function post<T>(path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  return (await (await request(path, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as T
}

/** Always below the page itself: nothing is asked of anybody else. */
export async function request(path: string, init: RequestInit): Promise<Response> {
  const authorization = token.value === undefined ? undefined : { authorization: `Bearer ${token.value}` }
  const response = await fetch(`api/${path}`, { ...init, headers: { ...init.headers, ...authorization } })
  if (response.ok) return response
  const told = (await response.json().catch(() => ({}))) as { code?: string; message?: string }
  throw new Refusal(response.status, told.code ?? 'FAILED', told.message ?? `The service answered ${response.status}.`)
}

/** For people: why something was not done. */
export function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.message
  return 'The service cannot be reached.'
}
