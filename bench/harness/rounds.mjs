import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const child = fileURLToPath(new URL('./child.mjs', import.meta.url))

/**
 * Measures every case once a round, one after the other, each in a new process, each round beginning with another
 * case. In one process the loop would be compiled for all contenders at once, and each would pay for the garbage of the
 * one before; taking turns spreads what the machine does meanwhile over all of them.
 *
 * @returns for each case its figures, one for each round.
 */
export async function measureInRounds(scenario, cases, { rounds, onProgress }) {
  const results = cases.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < cases.length; turn++) {
      const index = (turn + round) % cases.length
      onProgress({ round, rounds, turn, turns: cases.length, contender: cases[index].contender })
      results[index].push(await measureOnce(scenario, cases[index].spec))
    }
  }
  return results
}

function measureOnce(scenario, spec) {
  return new Promise((resolve, reject) => {
    const args = ['--expose-gc', child, scenario.name, JSON.stringify(spec)]
    const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    running.stdout.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    running.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text
    })
    running.once('error', reject)
    running.once('close', (code) => {
      if (code !== 0)
        return reject(new Error(`${scenario.name} ${JSON.stringify(spec)} ended with ${code}:\n${errors}`))
      resolve(JSON.parse(output.trim().split('\n').at(-1)))
    })
  })
}
