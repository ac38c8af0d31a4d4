// Installs the packages of package-lock.json, unless they are there already.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Failure } from './failure.mjs'
import { root, stampFolder } from './places.mjs'
import { runQuietly } from './run.mjs'

const stampFile = join(stampFolder, 'installed')

/** npm's own retries take more than a minute to notice that there is no network. */
const PATIENCE = ['--fetch-retries=3', '--fetch-retry-mintimeout=1000', '--fetch-retry-factor=3']

/**
 * The whole tree at once: leaving out what `npm start` alone does not need would save four seconds, and a second
 * install before `npm test`.
 */
export async function installIfNeeded() {
  const stamp = `${createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')}\n`
  if (readIfThere(stampFile) === stamp) return
  if (!isInstalledByHand()) {
    console.error('Installing packages …')
    // `npm ci` starts from nothing, so whatever an interrupted install has left does not matter.
    const { code, output } = await npm(['ci', '--include=dev', '--include=optional', '--loglevel=error', ...PATIENCE])
    if (code !== 0) throw new Failure(explain(code, output))
  }
  mkdirSync(stampFolder, { recursive: true })
  writeFileSync(stampFile, stamp)
}

/** Somebody ran `npm install` or `npm ci`: npm writes its record of the tree as the last thing it does. */
function isInstalledByHand() {
  const record = readIfThere(join(root, 'node_modules/.package-lock.json'))
  if (record === undefined) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(record).packages
  return Object.entries(wanted).every(([at, entry]) => {
    if (at === '' || (!at.startsWith('node_modules/') && !at.includes('/node_modules/'))) return true
    if (entry.link || installed[at] === undefined) return entry.link || entry.optional === true
    return installed[at].version === entry.version
  })
}

/** Through the very npm that runs this script, where there is one. */
export function npm(args, options = {}) {
  const cli = process.env.npm_execpath
  if (cli && basename(cli) === 'npm-cli.js')
    return runQuietly(process.execPath, [cli, ...args], { cwd: root, ...options })
  return runQuietly('npm', args, { cwd: root, shell: process.platform === 'win32', ...options })
}

function explain(code, output) {
  if (code === 127) return 'npm was not found. Install Node.js 20.19 or newer together with npm, then try again.'
  const lines = output.split('\n').filter((line) => line.trim() !== '')
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT/.test(output)) {
    return 'The packages could not be fetched: the npm registry cannot be reached. Check the network, then try again.'
  }
  return `The packages could not be installed (npm ci ended with ${code}):\n${lines.slice(-15).join('\n')}`
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
