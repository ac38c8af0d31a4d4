// `npm run test:matrix`: the suite on every major version of Node that is supported, each from npm's `node` package.
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { Failure, main } from './failure.mjs'
import { npm } from './install.mjs'
import { root, stampFolder } from './places.mjs'
import { prepare } from './prepare.mjs'
import { run } from './run.mjs'

/** The first is the oldest that package.json's `engines` allows. */
const VERSIONS = ['20.19.0', '22', '24']

await main(async () => {
  await prepare(['.', 'apps/cold-chain'])
  const results = []
  for (const version of VERSIONS) {
    const node = await fetchNode(version)
    console.log(`\n=== Node ${version} ===`)
    results.push({ version, code: await runSuite({ node, version }, process.argv.slice(2)) })
  }
  console.log('')
  for (const { version, code } of results) console.log(`Node ${version}: ${code === 0 ? 'passed' : `failed (${code})`}`)
  return results.every(({ code }) => code === 0) ? 0 : 1
})

async function fetchNode(version) {
  const folder = join(stampFolder, `node-${version}`)
  const binary = join(folder, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(binary)) return binary
  mkdirSync(folder, { recursive: true })
  console.log(`Fetching Node ${version} …`)
  const install = [
    'install',
    '--prefix',
    folder,
    '--no-save',
    '--no-package-lock',
    '--loglevel=error',
    `node@${version}`,
  ]
  const { code, output } = await npm(install)
  if (code !== 0 || !existsSync(binary)) throw new Failure(`Node ${version} could not be fetched:\n${output.trim()}`)
  return binary
}

/** First on PATH, too: tests start child processes, some of them as plain `node`. */
async function runSuite({ node, version }, args) {
  const env = { ...process.env, TESTED_NODE: version, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
  await run(node, ['-p', '"running on " + process.version'], { env })
  return run(node, [join(root, 'scripts/test.mjs'), ...args], { env, cwd: root })
}
