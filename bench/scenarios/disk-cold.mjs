import { spawnSync } from 'node:child_process'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { dropFromPageCache } from '../disk/cold-files.mjs'
import { inScratch, percentile } from '../disk/scratch.mjs'
import { openStore, rivals } from '../disk/stores.mjs'
import { withTargets } from '../disk/verdicts.mjs'
import { target } from '../harness/targets.mjs'

const BYTES = 64 * 1024
const KEYS = 3_000
const PER_SECOND = 1_000
const TICK_MS = 5
const GROUP = `${KEYS} values of 64 KB, ${PER_SECOND} a second`
/** A file an entry would take thousands of runs of `dd` to be cold. */
const ARE_FILES = ['file + rename', 'bentocache', 'cacache']

/** Another process has written everything, and nothing of it is in the page cache: each value is read once. */
export const scenario = {
  name: 'disk-cold',
  question: 'what does a read cost when the disk itself must move, and who makes the event loop wait for it?',
  rounds: 3,
  figures: [
    { name: 'p50Ms', title: 'p50 get ms', digits: 2 },
    { name: 'p99Ms', title: 'p99 get ms', digits: 2 },
    { name: 'loopP99Ms', title: 'loop p99 ms', digits: 2 },
    { name: 'loopMaxMs', title: 'loop max ms', digits: 2 },
  ],
  ratios: [],

  cases: () =>
    ['raw pread/pwrite', 'freshtier', ...rivals().filter((name) => !ARE_FILES.includes(name))].map((contender) => ({
      group: GROUP,
      contender,
      spec: { contender },
    })),

  measure: ({ contender }) =>
    inScratch(async (directory) => {
      fillElsewhere(contender, directory)
      dropFromPageCache(directory)
      const store = await openStore(contender, directory)
      dropFromPageCache(directory)
      const durations = []
      const one = async (n) => {
        const startedAt = performance.now()
        if ((await store.get(`k${n}`))?.length !== BYTES) throw new Error(`${contender} lost k${n}`)
        durations.push(performance.now() - startedAt)
      }
      const delay = monitorEventLoopDelay({ resolution: 1 })
      delay.enable()
      const reads = []
      const startedAt = performance.now()
      for (let next = 0; next < KEYS; ) {
        const due = Math.min(KEYS, ((performance.now() - startedAt) / 1_000) * PER_SECOND)
        // In no order of the disk's.
        for (; next < due; next++) reads.push(one((next * 1_237) % KEYS))
        await new Promise((resolve) => setTimeout(resolve, TICK_MS))
      }
      await Promise.all(reads)
      delay.disable()
      await store.close()
      durations.sort((a, b) => a - b)
      return {
        p50Ms: percentile(durations, 0.5),
        p99Ms: percentile(durations, 0.99),
        loopP99Ms: delay.percentile(99) / 1e6,
        loopMaxMs: delay.max / 1e6,
      }
    }),

  conclude: withTargets((median) => [
    target('cold reads: loop p99', median(GROUP, 'freshtier', 'loopP99Ms'), { atMost: 2, unit: ' ms' }),
    target('cold reads: loop max', median(GROUP, 'freshtier', 'loopMaxMs'), { atMost: 10, unit: ' ms' }),
  ]),
}

/** Nothing of it is in this process's memory, and no map of a file keeps its pages. */
function fillElsewhere(contender, directory) {
  const script = `
    import { openStore } from ${JSON.stringify(new URL('../disk/stores.mjs', import.meta.url).href)}
    import { randomFillSync } from 'node:crypto'
    const store = await openStore(${JSON.stringify(contender)}, ${JSON.stringify(directory)})
    const value = randomFillSync(Buffer.alloc(${BYTES}))
    for (let n = 0; n < ${KEYS}; n++) await store.set('k' + n, value)
    await store.close()
    process.exit(0)`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}
