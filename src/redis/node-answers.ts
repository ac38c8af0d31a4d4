import type { RedisCommand } from '../redis-protocol/redis-connection.js'

/**
 * What a node of a Cluster answers to commands that are sent to it together: a reply, the Error that came instead, or, of
 * a key that is not there (any more), the promise that `elsewhere` gives: the cluster's client knows where to go.
 */
export async function nodeAnswers(
  commands: readonly RedisCommand[],
  { here, elsewhere }: Record<'here' | 'elsewhere', (command: RedisCommand) => Promise<unknown>>,
): Promise<readonly unknown[]> {
  const answers = await Promise.allSettled(commands.map(here))
  return commands.map((command, index) => {
    const answer = answers[index]!
    if (answer.status === 'fulfilled') return answer.value
    return isRedirected(answer.reason) ? elsewhere(command) : answer.reason
  })
}

function isRedirected(error: unknown): boolean {
  return error instanceof Error && /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /.test(error.message)
}
