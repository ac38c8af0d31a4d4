import { spawnSync } from 'node:child_process'
import { dropFromPageCache } from '../disk/cold-files.mjs'
import { inScratch, percentile } from '../disk/scratch.mjs'
import { openStore, rivals } from '../disk/stores.mjs'
import { withTargets } from '../disk/verdicts.mjs'
import { watchLoop } from '../harness/loop-delay.mjs'
import { target } from '../harness/targets.mjs'

const BYTES = 64 * 1024
const KEYS = 3_000
const PER_SECOND = 1_000
const TICK_MS = 5
const GROUP = `${KEYS} values of 64 KB, ${PER_SECOND} a second`
/** The same ticks, and nothing to read: what the machine does to every loop. */
const IDLE = 'nothing'
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
    [IDLE, 'raw pread/pwrite', 'freshtier', ...rivals().filter((name) => !ARE_FILES.includes(name))].map(
      (contender) => ({
        group: GROUP,
        contender,
        spec: { contender },
      }),
    ),

  measure: ({ contender }) => (contender === IDLE ? paced(async () => {}) : inScratch((at) => cold(contender, at))),

  conclude: withTargets((median) => {
    const loop = (name, figure, atMost) => {
      const of = (contender) => median(GROUP, contender, figure)?.toFixed(2) ?? '–'
      const note = ` (raw ${of('raw pread/pwrite')}, ${IDLE} ${of(IDLE)})`
      return target(`cold reads: ${name}`, median(GROUP, 'freshtier', figure), { atMost, unit: ' ms', note })
    }
    return [loop('loop p99', 'loopP99Ms', 2), loop('loop max', 'loopMaxMs', 10)]
  }),
}

async function cold(contender, directory) {
  fillElsewhere(contender, directory)
  dropFromPageCache(directory)
  const store = await openStore(contender, directory)
  dropFromPageCache(directory)
  const figures = await paced(async (n) => {
    if ((await store.get(`k${n}`))?.length !== BYTES) throw new Error(`${contender} lost k${n}`)
  })
  await store.close()
  return figures
}

/** Reads each key once, so many a second, in no order of the disk's. */
async function paced(read) {
  const durations = []
  const one = async (n) => {
    const startedAt = performance.now()
    await read(n)
    durations.push(performance.now() - startedAt)
  }
  const loop = watchLoop()
  const reads = []
  const startedAt = performance.now()
  for (let next = 0; next < KEYS; ) {
    const due = Math.min(KEYS, ((performance.now() - startedAt) / 1_000) * PER_SECOND)
    for (; next < due; next++) reads.push(one((next * 1_237) % KEYS))
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  await Promise.all(reads)
  const { p99Ms, maxMs } = loop.stop()
  durations.sort((a, b) => a - b)
  return { p50Ms: percentile(durations, 0.5), p99Ms: percentile(durations, 0.99), loopP99Ms: p99Ms, loopMaxMs: maxMs }
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
