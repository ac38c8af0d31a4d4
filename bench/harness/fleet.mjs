// Several processes with one contender each over one Redis, told what to do by messages.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./fleet-process.mjs', import.meta.url))

/** @returns functions that call an operation of `fleet-process.mjs` in one process each: `call(name, ...args)`. */
export function startFleet({ size, contender, port, fillMs = 0 }) {
  return Promise.all(Array.from({ length: size }, () => startProcess({ contender, port, fillMs })))
}

async function startProcess(options) {
  const child = fork(program, [JSON.stringify(options)])
  const waiting = new Map()
  let calls = 0
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) resolve(value)
    else reject(new Error(error))
  })
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`A process of the fleet ended with ${code}.`))
  })
  const wait = (id) => new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  await wait('ready')
  return (name, ...args) => {
    const id = ++calls
    const answer = wait(id)
    child.send({ id, name, args })
    return answer
  }
}
