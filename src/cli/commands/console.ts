import { once } from 'node:events'
import { badInput, CliError } from '../cli-error.js'
import { type CliCall, type CliCommand, EXIT, type ExitCode } from '../command.js'
import { type ConsoleServer, type ConsoleServerOptions, startConsoleServer } from '../console-server.js'
import { wholeNumber } from '../numbers.js'
import { openService } from '../service.js'

export const webConsole: CliCommand = {
  name: 'console',
  summary: 'The web console of a running service, on a port of this machine, until interrupted.',
  options: [['--port <port>', 'where it listens, on this machine only', '4400']],
  run,
}

async function run({ options, io }: CliCall): Promise<ExitCode> {
  const { url: service } = options
  if (typeof service !== 'string') throw badInput('Say which service: --url <url>, such as http://127.0.0.1:3000.')
  if (options.redis !== undefined) throw badInput('The console shows a service: name --url, not --redis.')
  const token = typeof options.token === 'string' ? options.token : io.env.FRESHTIER_TOKEN
  const port = wholeNumber(options.port, '--port', [0, 65_535])
  await checkService(service, token, io.signal)
  const server = await start({ service, token, port })
  try {
    io.out(
      options.json === true
        ? JSON.stringify({ url: server.url })
        : `The console of ${service} is at ${server.url} . Ctrl-C ends it.`,
    )
    if (!io.signal.aborted) await once(io.signal, 'abort')
  } finally {
    await server.close()
  }
  return EXIT.done
}

/** A service that wants a token and was given none is no mistake: the page asks for it. */
async function checkService(service: string, token: string | undefined, signal: AbortSignal): Promise<void> {
  try {
    await openService(service, token, signal).get('/snapshot')
  } catch (error) {
    if (token === undefined && error instanceof CliError && error.exitCode === EXIT.refused) return
    throw error
  }
}

async function start(options: ConsoleServerOptions): Promise<ConsoleServer> {
  try {
    return await startConsoleServer(options)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    throw new CliError(EXIT.unreachable, `Port ${options.port} cannot be used (${code}); choose another with --port.`)
  }
}
