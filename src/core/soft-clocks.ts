/**
 * When a tag was softly invalidated, by the shared tier's clock, oldest first: `[from, to, from, to, …]`. A stale window
 * begins with the first soft invalidation after an entry was born, so the last one does not do. Of two neighbours that were
 * merged for want of room only the first and the last moment are known.
 */
export type SoftClocks = readonly number[]

/** Runs of one tag. Beyond it the two that are closest together become one. */
export const MAX_SOFT_RUNS = 8

export const NO_SOFT_CLOCKS: SoftClocks = Object.freeze([])

/** 0 = never. */
export function lastSoft(clocks: SoftClocks | undefined): number {
  return clocks?.at(-1) ?? 0
}

/**
 * The first after `born`, or Infinity. Of one that was born within a run: since its birth, because what was between is
 * not known; sooner too old than longer stale than it may be.
 */
export function firstSoftAfter(clocks: SoftClocks | undefined, born: number): number {
  if (clocks === undefined) return Number.POSITIVE_INFINITY
  for (let at = 0; at < clocks.length; at += 2) if (clocks[at + 1]! > born) return Math.max(clocks[at]!, born)
  return Number.POSITIVE_INFINITY
}

/** True if a clock is one of them, or may be. */
export function isSoftKnown(clocks: SoftClocks, clock: number): boolean {
  for (let at = 0; at < clocks.length; at += 2) if (clocks[at]! <= clock && clock <= clocks[at + 1]!) return true
  return false
}

/** Both together, within the room there is. */
export function withSoft(known: SoftClocks, more: SoftClocks): SoftClocks {
  const runs = pairs([...known, ...more]).sort((a, b) => a[0] - b[0])
  const merged: [number, number][] = []
  for (const [from, to] of runs) {
    const last = merged.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  while (merged.length > MAX_SOFT_RUNS) mergeClosest(merged)
  return merged.flat()
}

/** As `BUMP` does it in Redis. */
function mergeClosest(runs: [number, number][]): void {
  let closest = 1
  const gap = (at: number): number => runs[at]![0] - runs[at - 1]![1]
  for (let at = 2; at < runs.length; at++) if (gap(at) < gap(closest)) closest = at
  const [[, to]] = runs.splice(closest, 1) as [[number, number]]
  runs[closest - 1]![1] = to
}

/** Runs as text: `<clock>` or `<from>-<to>`, separated by a space. */
export function softText(clocks: SoftClocks): string {
  return pairs(clocks)
    .map(([from, to]) => (from === to ? String(from) : `${from}-${to}`))
    .join(' ')
}

/** Undefined for anything else. */
export function parseSoftText(text: string): SoftClocks | undefined {
  const clocks = text.split(' ').flatMap((run) => {
    const [from, to = from, ...more] = run.split('-')
    return more.length === 0 && from && to ? [Number(from), Number(to)] : [Number.NaN]
  })
  return clocks.every((clock) => Number.isSafeInteger(clock)) ? clocks : undefined
}

function pairs(clocks: SoftClocks): [number, number][] {
  return Array.from({ length: clocks.length / 2 }, (_, run) => [clocks[2 * run]!, clocks[2 * run + 1]!])
}
