import { lastSoft, NO_SOFT_CLOCKS, parseSoftText, type SoftClocks, softText, withSoft } from '../core/soft-clocks.js'
import { MIN_LIFE_MS } from '../redis-protocol/scripts/control-block.js'
import { appendRow, openLog } from './unfenced-log.js'
import type { UnfencedRun } from './unfenced-scripts.js'

type Send = UnfencedRun['send']

/** Fields that one bump looks at for pruning. */
const PRUNE_SAMPLE = '4'

/** OPEN without scripts. */
export async function open(run: UnfencedRun): Promise<unknown> {
  const fields = ['!e', '!v', '!f', '!p', ...run.args.slice(5)]
  await openControl(run)
  return run.send('HMGET', run.keys[0]!, ...fields)
}

/**
 * BUMP without scripts. The clock is only ever incremented, which is atomic: where several processes bring it up to the
 * time at once it runs ahead, and counts by one until the time has caught up. A mark is the clock, and never goes back
 * for longer than one request takes.
 */
export async function bump(run: UnfencedRun): Promise<unknown> {
  const { send, keys, args } = run
  const [n, b, g] = keys as [string, string, string]
  const { 1: fresh, 2: maxRows, 5: head, 6: isClear } = args as Record<number, string>
  const tags = args.slice(7)
  const [generation, epoch] = await Promise.all([openLog(send, { b, g, fresh: fresh! }), openControl(run)])
  const [last, now] = await Promise.all([send('HGET', n, '!v'), timeUs(send)])
  const clock = Number(await send('HINCRBY', n, '!v', String(Math.max(1, now - Number(last ?? now)))))
  const fields = isClear === '1' ? ['!f', ...tags] : tags
  await Promise.all(
    fields.map((field) => (field[0] === 's' ? soften(run, field, [clock, clock]) : mark(run, field, clock))),
  )
  if (tags.length > 0) await prune(run, now)
  const id = await appendRow(send, { b, maxRows: maxRows!, payload: `${head},"${epoch}",${clock}]` })
  return [epoch, clock, generation, id]
}

/** Brings a field to at least `clock`. Who finds that he has overwritten a later mark puts that back. */
async function mark({ transact, keys }: UnfencedRun, field: string, clock: number): Promise<void> {
  for (let wanted = clock; ; ) {
    const [before] = await transact([
      ['HGET', keys[0]!, field],
      ['HSET', keys[0]!, field, String(wanted)],
    ])
    if (!(Number(before) > wanted)) return
    wanted = Number(before)
  }
}

/** Adds to a tag's soft clocks. Who finds that he has overwritten what he had not read puts that back. */
async function soften({ send, transact, keys }: UnfencedRun, field: string, added: SoftClocks): Promise<void> {
  const n = keys[0]!
  let expected = await send('HGET', n, field)
  for (let wanted = withSoft(softClocks(expected), added); ; ) {
    const [before] = await transact([
      ['HGET', n, field],
      ['HSET', n, field, softText(wanted)],
    ])
    if (before === expected) return
    expected = softText(wanted)
    wanted = withSoft(softClocks(before), wanted)
  }
}

function softClocks(text: unknown): SoftClocks {
  return parseSoftText(String(text ?? '')) ?? NO_SOFT_CLOCKS
}

/** Drops a few tags that are older than any entry. Who finds that he has dropped a later mark puts that back. */
async function prune(run: UnfencedRun, now: number): Promise<void> {
  const { send, transact, keys } = run
  const n = keys[0]!
  const [horizonMs, sample] = await Promise.all([
    send('HGET', n, '!h'),
    send('HRANDFIELD', n, PRUNE_SAMPLE, 'WITHVALUES'),
  ])
  const oldest = now - Number(horizonMs ?? 0) * 1_000
  const texts = sample as string[]
  for (let index = 0; index < texts.length; index += 2) {
    const [field, text] = [texts[index]!, texts[index + 1]!]
    const at = lastSoft(softClocks(text))
    if (field.startsWith('!') || at >= oldest) continue
    await mark(run, '!p', at)
    const [dropped] = await transact([
      ['HGET', n, field],
      ['HDEL', n, field],
    ])
    if (!(lastSoft(softClocks(dropped)) > at)) continue
    await (field[0] === 's' ? soften(run, field, softClocks(dropped)) : mark(run, field, Number(dropped)))
  }
}

/** The block's epoch. A block that is missing is made, told in the log as a clear; its life is renewed. */
async function openControl({ send, keys, args }: UnfencedRun): Promise<string> {
  const [n, b, g] = keys as [string, string, string]
  const [fresh, generation, maxRows, horizonText, announcement] = args as [string, string, string, string, string]
  const [found, known, lifeMs] = await Promise.all([send('HGET', n, '!e'), send('HGET', n, '!h'), send('PTTL', n)])
  let epoch = String(found)
  if (typeof found !== 'string') {
    const clock = await timeUs(send)
    // The epoch last: whoever sees it sees the clock. An increment of a lost block may have left a small one behind.
    const [, held] = await Promise.all([send('HSETNX', n, '!v', String(clock)), send('HGET', n, '!v')])
    if (Number(held) < clock) await send('HINCRBY', n, '!v', String(clock - Number(held)))
    const isOurs = (await send('HSETNX', n, '!e', fresh)) === 1
    epoch = isOurs ? fresh : String(await send('HGET', n, '!e'))
    if (isOurs) {
      await openLog(send, { b, g, fresh: generation })
      await appendRow(send, { b, maxRows, payload: `${announcement},"${fresh}",${clock}]` })
    }
  }
  const horizonMs = Math.max(Number(horizonText), Number(known ?? 0))
  if (horizonMs > Number(known ?? 0)) await send('HSET', n, '!h', String(horizonMs))
  const neededMs = Math.max(2 * horizonMs, MIN_LIFE_MS)
  if (!(Number(lifeMs) >= neededMs)) await send('PEXPIRE', n, String(2 * neededMs))
  return epoch
}

/** The server's time in microseconds. */
async function timeUs(send: Send): Promise<number> {
  const [seconds, microseconds] = (await send('TIME')) as [string, string]
  return Number(seconds) * 1_000_000 + Number(microseconds)
}
