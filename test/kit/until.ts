/** Waits for a condition of the real world, looking every few milliseconds; rejects if it does not come true. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { what = 'the condition', withinMs = 10_000, everyMs = 5 } = {},
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come true within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
