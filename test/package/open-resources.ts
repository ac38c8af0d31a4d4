/** What keeps a process alive until somebody closes it; requests under way (file reads, look-ups) end by themselves. */
const LASTING =
  /^(Timeout|TCPSocketWrap|TCPServerWrap|PipeWrap|UDPWrap|ProcessWrap|Worker|MessagePort|FSEventWrap|StatWatcher)$/

export type Resources = ReadonlyMap<string, number>

export function openResources(): Resources {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) {
    if (LASTING.test(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** What is open in `after` and was not in `before`: `Timeout (1 more)`. */
export function grown(before: Resources, after: Resources): string[] {
  return [...after].flatMap(([name, count]) => {
    const more = count - (before.get(name) ?? 0)
    return more > 0 ? [`${name} (${more} more)`] : []
  })
}

/** Sockets and processes take a few turns of the loop to go; a leak stays. */
export async function leftOpen(before: Resources, patienceMs: number): Promise<string[]> {
  const until = performance.now() + patienceMs
  for (;;) {
    const left = grown(before, openResources())
    if (left.length === 0 || performance.now() > until) return left
    await new Promise((resolve) => setImmediate(resolve))
  }
}
