import type { RespCommand } from './resp-client.js'

/** What a request asks for. */
export type RestCall =
  | { readonly kind: 'command'; readonly commands: readonly [RespCommand] }
  | { readonly kind: 'pipeline' | 'multi-exec'; readonly commands: readonly RespCommand[] }

/** A request that is answered with an error of its own. */
export class RestRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const MAX_COMMANDS = 10_000

/** Commands that change or keep the one connection that all requests share, or end the server. */
const REFUSED = new Set(
  `AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT DEBUG DISCARD EXEC FAILOVER HELLO MONITOR
  MULTI PSUBSCRIBE PSYNC PUNSUBSCRIBE QUIT REPLICAOF RESET SELECT SHUTDOWN SLAVEOF SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE
  SYNC UNSUBSCRIBE UNWATCH WAIT WAITAOF WATCH`.split(/\s+/),
)
const SCRIPTS = new Set(['EVAL', 'EVALSHA', 'EVAL_RO', 'EVALSHA_RO', 'SCRIPT', 'FCALL', 'FCALL_RO', 'FUNCTION'])

/** @throws RestRefusal */
export function parseCall(method: string, url: URL, body: Buffer): RestCall {
  const path = url.pathname.split('/').slice(1).map(decodePart)
  if (path.at(-1) === '') path.pop()
  const [first] = path
  if (first === 'pipeline' || first === 'multi-exec') {
    if (method !== 'POST' && method !== 'PUT') throw new RestRefusal(405, `ERR /${first} is asked by POST`)
    return { kind: first, commands: parseCommands(body) }
  }
  if (first === undefined) return { kind: 'command', commands: [toCommand(parseJson(body))] }
  const command: (string | Buffer)[] = path
  if (body.length > 0) command.push(body)
  for (const [name, value] of url.searchParams) {
    if (name === '_token') continue
    command.push(name)
    if (value !== '') command.push(value)
  }
  return { kind: 'command', commands: [command] }
}

/** Why a command is not carried out; undefined if it is. */
export function faultOf(command: RespCommand, scripts: boolean): string | undefined {
  const name = String(command[0]).toUpperCase()
  if (!REFUSED.has(name) && (scripts || !SCRIPTS.has(name)) && !(name.startsWith('XREAD') && blocks(command))) return
  return `ERR Command is not available: '${name.slice(0, 40)}'`
}

function blocks(command: RespCommand): boolean {
  return command.some((argument) => typeof argument === 'string' && argument.toUpperCase() === 'BLOCK')
}

function parseCommands(body: Buffer): RespCommand[] {
  const commands = parseJson(body)
  if (!Array.isArray(commands) || commands.length === 0) {
    throw new RestRefusal(400, 'ERR the body must be an array of commands')
  }
  if (commands.length > MAX_COMMANDS) throw new RestRefusal(400, `ERR more than ${MAX_COMMANDS} commands`)
  return commands.map(toCommand)
}

function toCommand(value: unknown): RespCommand {
  if (!Array.isArray(value) || value.length === 0) {
    throw new RestRefusal(400, 'ERR a command must be an array of its name and arguments')
  }
  return value.map((argument) => {
    if (typeof argument === 'string') return argument
    if (typeof argument === 'number' || typeof argument === 'boolean') return String(argument)
    throw new RestRefusal(400, 'ERR arguments must be text, numbers or booleans')
  })
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new RestRefusal(400, 'ERR failed to parse the body as JSON')
  }
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new RestRefusal(400, 'ERR the path is not percent-encoded')
  }
}
