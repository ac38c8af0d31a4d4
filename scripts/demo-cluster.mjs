// `npm run demo:cluster`: the cold-chain board as several processes, with a Redis and a PostgreSQL of its own.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { main } from './failure.mjs'
import { root } from './places.mjs'
import { prepare } from './prepare.mjs'

await main(() => prepare(['.', 'apps/cold-chain']))

if (process.exitCode === 0) await import(pathToFileURL(join(root, 'apps/cold-chain/dist/cluster/main.js')))
