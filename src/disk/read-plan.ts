import type { Segment } from './segment.js'

/** Bytes between two records that are read along rather than skipped. */
const MAX_GAP = 16 * 1024
const MAX_RUN = 1024 * 1024

interface Located {
  readonly segment: Segment
  readonly offset: number
  readonly length: number
}

export interface ReadRun<P extends Located> {
  readonly segment: Segment
  readonly offset: number
  readonly length: number
  readonly places: readonly P[]
}

/** Merges records that lie near each other into few reads. */
export function planReads<P extends Located>(places: readonly P[]): ReadRun<P>[] {
  const sorted = [...places].sort((a, b) => a.segment.id - b.segment.id || a.offset - b.offset)
  const runs: { segment: Segment; offset: number; length: number; places: P[] }[] = []
  for (const place of sorted) {
    const run = runs.at(-1)
    const end = place.offset + place.length
    const isNear =
      run !== undefined &&
      run.segment === place.segment &&
      place.offset - (run.offset + run.length) <= MAX_GAP &&
      end - run.offset <= MAX_RUN
    if (isNear) {
      run.length = Math.max(run.length, end - run.offset)
      run.places.push(place)
    } else runs.push({ segment: place.segment, offset: place.offset, length: place.length, places: [place] })
  }
  return runs
}
