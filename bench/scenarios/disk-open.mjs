import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { inScratch, jsonOf } from '../disk/scratch.mjs'
import { openStore } from '../disk/stores.mjs'
import { withTargets } from '../disk/verdicts.mjs'
import { watchLoop } from '../harness/loop-delay.mjs'
import { target } from '../harness/targets.mjs'

const SIZES = [100_000, 1_000_000]
const BYTES = 256
const groupOf = (entries) => `${entries.toLocaleString('en')} × ${BYTES} B`

/** A directory that another process wrote, opened with its hints or, as after a kill, without them. */
export const scenario = {
  name: 'disk-open',
  question: 'how long until a full directory answers, how free is the loop meanwhile, and what does an entry take?',
  rounds: 3,
  figures: [
    { name: 'openMs', title: 'open ms', digits: 0 },
    { name: 'loopP99Ms', title: 'loop p99 ms', digits: 1 },
    { name: 'loopMaxMs', title: 'loop max ms', digits: 1 },
    { name: 'indexBytes', title: 'index B/entry', digits: 1 },
    { name: 'diskShare', title: 'disk ÷ payload', digits: 2 },
    { name: 'inodes', title: 'files', digits: 0 },
  ],
  ratios: [],

  cases: () =>
    SIZES.flatMap((entries) =>
      ['with hints', 'after a kill'].map((contender) => ({
        group: groupOf(entries),
        contender,
        spec: { entries, contender },
      })),
    ),

  measure: ({ entries, contender }) =>
    inScratch(async (directory) => {
      fillElsewhere(directory, entries)
      const log = join(directory, 'v1/log')
      const names = readdirSync(log)
      const bytes = names.reduce((total, name) => total + statSync(join(log, name)).size, 0)
      if (contender === 'after a kill') {
        for (const name of names) if (name.endsWith('.hint')) rmSync(join(log, name))
      }
      // Every service has loaded its library when it opens a directory.
      await import('freshtier/disk')
      const loop = watchLoop()
      const startedAt = performance.now()
      const store = await openStore('freshtier', directory)
      const openMs = performance.now() - startedAt
      await new Promise((resolve) => setTimeout(resolve, 50))
      const { p99Ms, maxMs } = loop.stop()
      const stats = store.stats()
      if (stats.entries !== entries) throw new Error(`${stats.entries} of ${entries} entries came back`)
      await store.close()
      return {
        openMs,
        loopP99Ms: p99Ms,
        loopMaxMs: maxMs,
        indexBytes: stats.indexBytes / entries,
        diskShare: bytes / (entries * BYTES),
        inodes: names.length,
      }
    }),

  conclude: withTargets((median) => {
    const [few, many] = SIZES.map(groupOf)
    const least = (what, group, contender, figure, atMost, unit = '', digits = 0) =>
      target(`${what}, ${group}`, median(group, contender, figure), { atMost, unit, digits })
    return [
      least('open with hints', few, 'with hints', 'openMs', 200, ' ms'),
      least('open after a kill', few, 'after a kill', 'openMs', 1_200, ' ms'),
      least('open with hints', many, 'with hints', 'openMs', 2_000, ' ms'),
      ...[few, many].flatMap((group) =>
        ['with hints', 'after a kill'].map((contender) =>
          least(`loop p99 while opening ${contender}`, group, contender, 'loopP99Ms', 20, ' ms', 1),
        ),
      ),
      least('index bytes an entry', many, 'with hints', 'indexBytes', 40, '', 1),
      least('disk ÷ payload', many, 'with hints', 'diskShare', 1.5, '', 2),
      least('files for 0.26 GB', many, 'with hints', 'inodes', 16),
    ]
  }),
}

/** Another process has written it, so that nothing of it is in this one's memory. */
function fillElsewhere(directory, entries) {
  const script = `
    import { openStore } from ${JSON.stringify(new URL('../disk/stores.mjs', import.meta.url).href)}
    const store = await openStore('freshtier', ${JSON.stringify(directory)})
    const value = Buffer.from(${JSON.stringify(jsonOf(BYTES).toString())})
    for (let from = 0; from < ${entries}; from += 2000)
      await store.setMany(Array.from({ length: 2000 }, (_, n) => ['unit:' + (from + n), value]))
    await store.close()`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}
