import { monitorEventLoopDelay } from 'node:perf_hooks'
import { inScratch, jsonOf, percentile } from '../disk/scratch.mjs'
import { withTargets } from '../disk/verdicts.mjs'
import { target } from '../harness/targets.mjs'

const PHASE_MS = 3_000
const PACKING = 'reads of 4 KB while 8 values of 1 MB at a time are packed'
const DROPPING = 'reads of 256 B while segments are dropped and compacted'

/** The same reads twice in one process: idle, then while the store works in the background. */
export const scenario = {
  name: 'disk-busy',
  question: "what does the store's own work cost those who read meanwhile?",
  rounds: 3,
  figures: [
    { name: 'idleP50', title: 'idle p50 µs', digits: 1 },
    { name: 'busyP50', title: 'busy p50 µs', digits: 1 },
    { name: 'busyP99', title: 'busy p99 µs', digits: 1 },
    { name: 'loopP99Ms', title: 'loop p99 ms', digits: 2 },
    { name: 'loopMaxMs', title: 'loop max ms', digits: 2 },
  ],
  ratios: [],

  cases: () =>
    [
      [PACKING, 'freshtier deflate 1', 'packing'],
      [DROPPING, 'freshtier lfu', 'dropping'],
    ].map(([group, contender, kind]) => ({ group, contender, spec: { kind } })),

  measure: ({ kind }) => inScratch((directory) => (kind === 'packing' ? whilePacking : whileDropping)(directory)),

  conclude: withTargets((median) => {
    const of = (figure) => median(PACKING, 'freshtier deflate 1', figure)
    const loop = (figure) => median(DROPPING, 'freshtier lfu', figure)
    return [
      target(`${PACKING}: busy ÷ idle p50`, of('busyP50') && of('busyP50') / of('idleP50'), { atMost: 3, unit: '×' }),
      target(`S4-16, ${DROPPING}: loop p99`, loop('loopP99Ms'), { atMost: 20, unit: ' ms' }),
    ]
  }),
}

async function whilePacking(directory) {
  const { openDiskStore } = await import('freshtier/disk')
  const store = await openDiskStore({ directory, maxBytes: '1gb', compression: { minBytes: '16kb' } })
  for (let n = 0; n < 500; n++) await store.set({ key: `k${n}`, value: jsonOf(4096, n + 1) })
  const value = jsonOf(1024 * 1024)
  const pack = async (at, goesOn) => {
    while (goesOn()) await store.set({ key: `large ${at}`, value })
  }
  const figures = await twice(
    (n) => store.get(`k${n % 500}`),
    (goesOn) => Promise.all(Array.from({ length: 8 }, (_, at) => pack(at, goesOn))),
  )
  await store.close()
  return figures
}

/** A full store of 800,000 entries: each new segment of 4 MB pushes the oldest out, every tenth key is used. */
async function whileDropping(directory) {
  const { openDiskStore } = await import('freshtier/disk')
  const store = await openDiskStore({ directory, maxBytes: '256mb' })
  const value = jsonOf(256)
  let last = 0
  const fill = () =>
    store.setMany(
      Array.from({ length: 100 }, () => {
        // Every fourth is stored anew, so that older segments are half dead.
        const key = last++ % 4 === 0 ? `hot ${last % 20_000}` : `k${last}`
        return { key, value }
      }),
    )
  while (store.stats().evicted < 50_000) await fill()
  const figures = await twice(
    (n) => store.get(`k${last - ((n * 7_919) % 500_000)}`),
    async (goesOn) => {
      while (goesOn()) await fill()
    },
  )
  await store.close()
  return figures
}

async function twice(read, work) {
  const idle = await readFor(read)
  let isBusy = true
  const working = work(() => isBusy)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const busy = await readFor(read)
  delay.disable()
  isBusy = false
  await working
  return {
    idleP50: percentile(idle, 0.5),
    busyP50: percentile(busy, 0.5),
    busyP99: percentile(busy, 0.99),
    loopP99Ms: delay.percentile(99) / 1e6,
    loopMaxMs: delay.max / 1e6,
  }
}

/** One read after the other; how long each took, in microseconds. */
async function readFor(read) {
  const durations = []
  let n = 0
  for (const until = performance.now() + PHASE_MS; performance.now() < until; ) {
    const startedAt = performance.now()
    await read(n++)
    durations.push((performance.now() - startedAt) * 1_000)
    if (n % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return durations.sort((a, b) => a - b)
}
