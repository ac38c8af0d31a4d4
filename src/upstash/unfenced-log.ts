import type { UnfencedRun } from './unfenced-scripts.js'

type Send = UnfencedRun['send']

/**
 * The log's generation; begins a log that is missing. Two processes that begin it at once may answer two generations:
 * whoever holds the one that did not stay begins anew at its next look.
 */
export async function openLog(send: Send, { b, g, fresh }: { b: string; g: string; fresh: string }): Promise<unknown> {
  const [generation, exists] = await Promise.all([send('GET', g), send('EXISTS', b)])
  if (typeof generation === 'string' && exists === 1) return generation
  await Promise.all([send('SET', g, fresh), send('XADD', b, '*', 'p', `["g","${fresh}"]`)])
  return fresh
}

/** Answers the row's id. Not published: who listens reads it at the next look. */
export function appendRow(send: Send, row: { b: string; maxRows: string; payload: string }): Promise<unknown> {
  return send('XADD', row.b, 'MAXLEN', '~', row.maxRows, '*', 'p', row.payload)
}
