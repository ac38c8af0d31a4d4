// Child processes of the scripts: waits for one to end, and ends with it.
import { spawn } from 'node:child_process'

/** Runs a command in the foreground and answers its exit code, 128 + n after signal n, or 127 if there is no such command. */
export function run(command, args, options = {}) {
  return start(command, args, { stdio: 'inherit', ...options }).then(({ code }) => code)
}

/** Runs a command with its output kept back, for what only matters when it fails. */
export function runQuietly(command, args, options = {}) {
  return start(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
}

function start(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, options)
    let output = ''
    const keep = (chunk) => {
      output += chunk
    }
    child.stdout?.setEncoding('utf8').on('data', keep)
    child.stderr?.setEncoding('utf8').on('data', keep)
    const stopForwarding = forwardSignals(child)
    child.once('error', (error) => {
      stopForwarding()
      resolve({ code: 127, output: `${output}${error.message}` })
    })
    child.once('close', (code, signal) => {
      stopForwarding()
      resolve({ code: code ?? 128 + signalNumber(signal), output })
    })
  })
}

/** A terminal sends Ctrl-C to the child as well; a second SIGINT from here would read as "stop at once". */
function forwardSignals(child) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const listeners = signals.map((signal) => {
    const listener = () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    process.on(signal, listener)
    return () => process.off(signal, listener)
  })
  return () => {
    for (const stop of listeners) stop()
  }
}

const signalNumber = (signal) => ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 })[signal] ?? 1
