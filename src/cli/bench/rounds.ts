/** One way of doing the same thing; `run` does it so many times. */
export interface Side {
  readonly name: string
  /** The side that it is compared with; none: it is what others are compared with. */
  readonly to?: string
  run(count: number): void | Promise<void>
}

/** What is compared on this machine. */
export interface Contest {
  readonly name: string
  readonly sides: readonly Side[]
  close?(): Promise<unknown>
}

export interface SideResult {
  readonly name: string
  readonly microseconds: number
  /** Median of the ratios of each round. */
  readonly ratio?: number
  readonly to?: string
}

const BATCH_MS = 20
const WARM_UP_MS = 100

/**
 * Every side once a round, each round beginning with another one, so that what the machine does meanwhile meets all of
 * them; medians over the rounds.
 */
export async function measure(
  contest: Contest,
  rounds: number,
  beforeRound: (round: number) => void,
): Promise<SideResult[]> {
  const { sides } = contest
  const counts: number[] = []
  for (const side of sides) counts.push(await warmUp(side))
  const times = sides.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    beforeRound(round)
    for (let turn = 0; turn < sides.length; turn++) {
      const index = (turn + round) % sides.length
      times[index]!.push((await timed(sides[index]!, counts[index]!)) / counts[index]!)
    }
  }
  return sides.map(({ name, to }, index) => {
    const microseconds = median(times[index]!) * 1_000
    if (to === undefined) return { name, microseconds }
    const base = times[sides.findIndex((side) => side.name === to)]!
    return { name, microseconds, ratio: median(times[index]!.map((time, round) => time / base[round]!)), to }
  })
}

/** Answers how many times fit into a batch. */
async function warmUp(side: Side): Promise<number> {
  let count = 1
  let ms = 0
  for (const until = performance.now() + WARM_UP_MS; performance.now() < until || ms === 0; ) {
    ms = await timed(side, count)
    count = Math.max(1, Math.min(count * 2, Math.round((count * BATCH_MS) / Math.max(ms, 0.001))))
  }
  return count
}

/** Milliseconds. */
async function timed(side: Side, count: number): Promise<number> {
  // The cache's coarse clock is read once a turn; every side begins with a new one.
  await new Promise((resolve) => setImmediate(resolve))
  const startedAt = performance.now()
  await side.run(count)
  return performance.now() - startedAt
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
