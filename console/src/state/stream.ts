import { Refusal, request } from './api.ts'

export interface StreamHandlers {
  event(name: string, data: unknown): void
  /** Connected, or why not; it goes on trying unless it was refused. */
  changed(state: 'live' | 'lost' | 'refused', refusal?: Refusal): void
}

const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 5_000
/** A snapshot comes every second, or two while a server hangs: a longer silence is a line that is cut. */
const SILENCE_MS = 5_000

/** Reads the server-sent events with `fetch`, because an EventSource can send no token. Returns the end of it. */
export function openStream(handlers: StreamHandlers): () => void {
  const closing = new AbortController()
  void keepOpen(handlers, closing.signal)
  return () => closing.abort()
}

async function keepOpen(handlers: StreamHandlers, closing: AbortSignal): Promise<void> {
  let retryMs = FIRST_RETRY_MS
  const connected = (): void => {
    retryMs = FIRST_RETRY_MS
    handlers.changed('live')
  }
  while (!closing.aborted) {
    try {
      await readOnce({ connected, event: handlers.event }, closing)
    } catch (error) {
      if (closing.aborted) return
      if (error instanceof Refusal && (error.status === 401 || error.status === 403)) {
        handlers.changed('refused', error)
        return
      }
    }
    if (closing.aborted) return
    handlers.changed('lost')
    await pause(retryMs, closing)
    retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2)
  }
}

/** Until the line ends or is silent for too long. */
async function readOnce(
  { connected, event }: { connected: () => void; event: StreamHandlers['event'] },
  closing: AbortSignal,
): Promise<void> {
  const silence = new AbortController()
  let timer = 0
  const heard = (): void => {
    clearTimeout(timer)
    timer = window.setTimeout(() => silence.abort(), SILENCE_MS)
  }
  heard()
  try {
    const { body } = await request('events', { signal: AbortSignal.any([closing, silence.signal]) })
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
    connected()
    let pending = ''
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      heard()
      const blocks = (pending + part.value).split('\n\n')
      pending = blocks.pop() ?? ''
      for (const block of blocks) {
        const match = /^event: (\S+)\ndata: (.*)$/.exec(block)
        if (match) event(match[1]!, JSON.parse(match[2]!))
      }
    }
  } finally {
    clearTimeout(timer)
  }
}

function pause(ms: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(end, ms)
    until.addEventListener('abort', end, { once: true })
  })
}
