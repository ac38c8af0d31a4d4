import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs with a directory of its own, which is gone afterwards. */
export async function inScratch(work) {
  const directory = mkdtempSync(join(tmpdir(), 'freshtier-bench-'))
  try {
    return await work(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** JSON as services keep it, of so many bytes. */
export function jsonOf(bytes, seed = 1) {
  let text = ''
  for (let n = seed; text.length < bytes; n++) {
    text += JSON.stringify({
      id: n * 7919,
      name: `unit ${(n * 31) % 977}`,
      state: n % 3 ? 'normal' : 'warning',
      at: n * 1e6,
    })
  }
  return Buffer.from(text.slice(0, bytes))
}

export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
