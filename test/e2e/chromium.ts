import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'

// playwright-core belongs to the app's workspace; npm may keep it there.
const { chromium } = createRequire(new URL('../../apps/cold-chain/package.json', import.meta.url))(
  'playwright-core',
) as typeof import('playwright-core')

const PLACES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A real Chromium, installed first if it is missing and that needs no question (root on Debian). */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium() ?? installChromium(), args: FLAGS })
}

function findChromium(): string | undefined {
  return PLACES.find((place): place is string => place !== undefined && existsSync(place))
}

function installChromium(): string {
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
      spawnSync('apt-get', args, { env, stdio: 'ignore' })
    }
  }
  const found = findChromium()
  if (found) return found
  throw new Error(
    'The browser test needs Chromium. Install with: sudo apt-get update && sudo apt-get install -y chromium. Or set CHROMIUM to its path.',
  )
}
