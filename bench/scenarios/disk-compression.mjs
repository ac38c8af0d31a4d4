import { inScratch, jsonOf } from '../disk/scratch.mjs'

const SIZES = { '1 KB': 1024, '4 KB': 4096, '64 KB': 65_536, '1 MB': 1024 * 1024 }
const CODECS = [
  ['none', 0],
  ...[1, 3, 6, 9].map((level) => ['deflate', level]),
  ...[1, 6].map((level) => ['gzip', level]),
  ...[1, 3, 5].map((level) => ['brotli', level]),
  ...[1, 3].map((level) => ['zstd', level]),
]
const PAYLOAD = 24 * 1024 * 1024

/** What a codec and level bring on JSON, through the store: bytes on disk, and how quickly values go in and come out. */
export const scenario = {
  name: 'disk-compression',
  question: 'which codec and level are worth it, at which size?',
  figures: [
    { name: 'shrinks', title: 'payload ÷ disk', digits: 2 },
    { name: 'setMBps', title: 'set MB/s', digits: 0 },
    { name: 'getMBps', title: 'get MB/s', digits: 0 },
  ],
  ratios: [],

  cases: () =>
    Object.keys(SIZES).flatMap((size) =>
      CODECS.filter(([codec]) => codec !== 'zstd' || hasZstd()).map(([codec, level]) => ({
        group: `JSON of ${size}`,
        contender: codec === 'none' ? 'none' : `${codec} ${level}`,
        spec: { size, codec, level },
      })),
    ),

  measure: ({ size, codec, level }) =>
    inScratch(async (directory) => {
      const { openDiskStore } = await import('freshtier/disk')
      const compression = codec === 'none' ? 'none' : { codec, level, minBytes: 512 }
      const store = await openDiskStore({ directory, maxBytes: '1gb', compression })
      const bytes = SIZES[size]
      const count = Math.min(2_000, Math.floor(PAYLOAD / bytes))
      const values = Array.from({ length: count }, (_, n) => jsonOf(bytes, n * 100 + 1))
      const perSecond = async (work) => {
        const startedAt = performance.now()
        await work()
        return (count * bytes) / 1024 / 1024 / ((performance.now() - startedAt) / 1_000)
      }
      const setMBps = await perSecond(async () => {
        for (const [n, value] of values.entries()) await store.set({ key: `k${n}`, value })
      })
      const stored = store.stats().bytes
      const getMBps = await perSecond(async () => {
        for (let n = 0; n < count; n++) {
          if ((await store.get(`k${n}`)).value.length !== bytes) throw new Error('lost')
        }
      })
      await store.close()
      return { shrinks: (count * bytes) / stored, setMBps, getMBps }
    }),
}

function hasZstd() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 8) || (major === 22 && minor >= 15)
}
