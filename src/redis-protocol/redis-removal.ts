import type { Clock } from '../core/ports/clock.js'
import type { StoredKey } from '../core/ports/shared-tier.js'
import type { RedisCommands } from './redis-commands.js'
import { isReply } from './redis-replies.js'
import type { RedisRequests } from './redis-requests.js'

/**
 * Ends data and lease of one entry on Cluster. One command does it at once, unless the slot is on the move with one of
 * the two keys gone ahead: then a server says TRYAGAIN, which some clients hide by trying again for seconds. After
 * `patienceMs` the two go one by one, the lease first: a fill that loses it cannot store what it brings any more. The
 * other order would let a fill commit between the two. (Checked by the model of the protocol.)
 *
 * `soft` falls back to removing the entry: sooner a miss than a promise broken.
 *
 * @returns whether there was data.
 */
export async function removeEntry(
  key: StoredKey,
  soft: boolean,
  {
    commands,
    requests,
    clock,
    patienceMs,
  }: { commands: RedisCommands; requests: RedisRequests; clock: Clock; patienceMs: number },
): Promise<boolean> {
  // A client may send two commands of one turn in any order: the script answers the question itself.
  const existed = soft ? undefined : commands.run(requests.exists(key))
  const together = commands.run(soft ? requests.soften([key])[0]! : requests.unlink([key]))
  const [question, done] = await Promise.all([existed, doneSoon(together, clock, patienceMs)])
  if (done) return isReply(soft ? done.reply : question)
  const [lease, data] = requests.unlinkApart(key)
  await commands.run(lease)
  return isReply(await commands.run(data))
}

/** Undefined if it is refused for now, or not answered in time. */
function doneSoon(work: Promise<unknown>, clock: Clock, patienceMs: number): Promise<{ reply: unknown } | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(() => resolve(undefined), patienceMs)
    work.then(
      (reply) => {
        cancel()
        resolve({ reply })
      },
      (error: unknown) => {
        cancel()
        if (error instanceof Error && error.message.startsWith('TRYAGAIN')) resolve(undefined)
        else reject(error)
      },
    )
  })
}
