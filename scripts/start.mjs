// `npm start`: installs and builds what is missing, then runs the cold-chain board.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { main } from './failure.mjs'
import { root } from './places.mjs'
import { prepare } from './prepare.mjs'

await main(() => prepare(['.', 'apps/cold-chain']))

if (process.exitCode === 0) {
  // In this process rather than a child: signals, crashes and the exit code are then the board's own.
  const board = join(root, 'apps/cold-chain/dist/main.js')
  process.argv[1] = board
  await import(pathToFileURL(board))
}
