import { inScratch, jsonOf, percentile } from '../disk/scratch.mjs'
import { withTargets } from '../disk/verdicts.mjs'
import { watchLoop } from '../harness/loop-delay.mjs'
import { target } from '../harness/targets.mjs'

const PHASE_MS = 3_000
const PACKING = 'reads of 4 KB while 8 values of 1 MB at a time are packed'
const DROPPING = 'reads of 256 B beside 20,000 stores a second, which need room or not'
const PER_BATCH = 100
const BATCH_EVERY_MS = 5

/** The same reads twice in one process: without, and then with the store's own work in the background. */
export const scenario = {
  name: 'disk-busy',
  question: "what does the store's own work cost those who read meanwhile?",
  rounds: 3,
  figures: [
    { name: 'idleP50', title: 'without p50 µs', digits: 1 },
    { name: 'busyP50', title: 'with p50 µs', digits: 1 },
    { name: 'idleP99', title: 'without p99 µs', digits: 1 },
    { name: 'busyP99', title: 'with p99 µs', digits: 1 },
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
      target(`S4-16, ${DROPPING}: p99 with ÷ without`, loop('busyP99') && loop('busyP99') / loop('idleP99'), {
        atMost: 1.5,
        unit: '×',
      }),
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
  const read = (n) => store.get(`k${n % 500}`)
  const without = await readFor(read)
  let isOver = false
  const packing = Promise.all(Array.from({ length: 8 }, (_, at) => pack(at, () => !isOver)))
  const figures = await measured(without, read)
  isOver = true
  await packing
  await store.close()
  return figures
}

/** First a store with room for everything; then one that is full, where each new segment pushes the oldest out. */
async function whileDropping(directory) {
  const roomy = await writtenTo(`${directory}/roomy`, '4gb')
  const without = await roomy.readBeside(readFor)
  await roomy.store.close()
  const full = await writtenTo(`${directory}/full`, '256mb')
  const before = full.store.stats().evicted
  const figures = await full.readBeside((read) => measured(without, read))
  if (full.store.stats().evicted === before) throw new Error('nothing was dropped')
  await full.store.close()
  return figures
}

/** A store of a million stores, and those who go on storing while somebody reads. */
async function writtenTo(directory, maxBytes) {
  const { openDiskStore } = await import('freshtier/disk')
  const store = await openDiskStore({ directory, maxBytes, maxEntries: 4_000_000 })
  const value = jsonOf(256)
  let last = 0
  // Every fourth is stored anew, so that older segments are half dead.
  const keyOf = (n) => (n % 4 === 0 ? `hot ${n % 20_000}` : `k${n}`)
  const fill = () => store.setMany(Array.from({ length: PER_BATCH }, () => ({ key: keyOf(last++), value })))
  while (last < 1_000_000) await fill()
  const read = (n) => store.get(keyOf(last - 1 - ((n * 7_919) % 400_000)))
  return {
    store,
    readBeside: async (measure) => {
      const timer = setInterval(fill, BATCH_EVERY_MS)
      try {
        return await measure(read)
      } finally {
        clearInterval(timer)
      }
    },
  }
}

async function measured(without, read) {
  const loop = watchLoop()
  const during = await readFor(read)
  const { p99Ms, maxMs } = loop.stop()
  return {
    idleP50: percentile(without, 0.5),
    busyP50: percentile(during, 0.5),
    idleP99: percentile(without, 0.99),
    busyP99: percentile(during, 0.99),
    loopP99Ms: p99Ms,
    loopMaxMs: maxMs,
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
