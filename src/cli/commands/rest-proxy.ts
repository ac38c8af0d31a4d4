import { once } from 'node:events'
import { startRestProxy } from '../../testing/rest-proxy/rest-proxy.js'
import { badInput, CliError } from '../cli-error.js'
import { type CliCall, type CliCommand, EXIT, type ExitCode } from '../command.js'
import { wholeNumber } from '../numbers.js'

export const restProxy: CliCommand = {
  name: 'rest-proxy',
  summary: "An HTTP front for a local Redis that speaks as Upstash's REST API does, until interrupted.",
  options: [
    ['--port <port>', 'where it listens, on this machine only', '8079'],
    ['--refuse-scripts', 'refuse EVAL, as some proxies do'],
  ],
  run,
}

async function run({ options, io }: CliCall): Promise<ExitCode> {
  const redisUrl = typeof options.redis === 'string' ? options.redis : io.env.REDIS_URL
  const token = typeof options.token === 'string' ? options.token : io.env.FRESHTIER_TOKEN
  if (!redisUrl) throw badInput('Say which Redis: --redis <url>, or REDIS_URL in the environment.')
  if (!token) throw badInput('Say what callers must bring: FRESHTIER_TOKEN in the environment, or --token.')
  const port = wholeNumber(options.port, '--port', [0, 65_535])
  const proxy = await start({ redisUrl, token, port, scripts: options.refuseScripts !== true })
  try {
    io.out(
      options.json === true
        ? JSON.stringify({ url: proxy.url })
        : `Upstash's REST API at ${proxy.url}. Ctrl-C ends it.`,
    )
    if (!io.signal.aborted) await once(io.signal, 'abort')
  } finally {
    await proxy.close()
  }
  return EXIT.done
}

async function start(options: Parameters<typeof startRestProxy>[0]): ReturnType<typeof startRestProxy> {
  try {
    return await startRestProxy(options)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    throw new CliError(EXIT.unreachable, `Port ${options.port} cannot be used (${code}); choose another with --port.`)
  }
}
