import type { TagKnowledge } from './tag-knowledge.js'
import type { Add, Process, State, Sync } from './tag-state.js'

/**
 * How a process follows the log, as `src/core/log-sync.ts` does:
 *
 * ```
 *  sent ─┬─ its own last row is there ─► rows ─► applied one by one
 *        └─ it is gone ─► broken ─► a look at the log's end ─► end ─► everything is forgotten, and followed from there on
 * ```
 */
export function followLog(
  state: State,
  index: number,
  { knowledge, add }: { knowledge: TagKnowledge; add: Add },
): void {
  const { sync, syncsLeft, position } = state.processes[index]!
  const name = `process ${index}`
  const become = (next: State, step: Sync['step']): void => {
    const process = next.processes[index]!
    const must = process.sync?.must ?? next.acknowledged
    process.sync = { step, must, upTo: step === 'sent' ? 0 : next.log.length }
  }
  if (sync === null) {
    if (syncsLeft === 0) return
    add(`${name}: sends a sync`, (next) => {
      next.processes[index]!.syncsLeft--
      become(next, 'sent')
    })
    return
  }
  switch (sync.step) {
    case 'sent': {
      // Who has none yet goes by the first row that ever was.
      const isBroken = state.trimmed > Math.max(0, position - 1)
      add(`${name}: its sync is executed${isBroken ? ', its last row is gone' : ''}`, (next) => {
        become(next, isBroken ? 'broken' : 'rows')
      })
      break
    }
    case 'broken':
      add(`${name}: looks where the log ends`, (next) => become(next, 'end'))
      break
    case 'rows':
      add(`${name}: its sync arrives`, (next) => {
        const process = next.processes[index]!
        for (const row of next.log.slice(position, sync.upTo)) knowledge.apply(process, row)
        end(process, sync)
      })
      break
    case 'end':
      add(`${name}: its sync arrives, and takes up the log anew`, (next) => {
        const process = next.processes[index]!
        knowledge.takeUpAnew(process)
        end(process, sync)
      })
      break
    default:
      sync.step satisfies never
  }
}

function end(process: Process, { must, upTo }: Sync): void {
  process.position = upTo
  process.synced = Math.max(process.synced, must)
  process.sync = null
}
