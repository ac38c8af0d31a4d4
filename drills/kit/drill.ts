import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { errorText } from '../../src/core/error-text.js'
import { until } from '../../test/kit/until.ts'
import { type RedisServer, type RedisServerOptions, startRedisServer } from '../../test/servers/redis-server.ts'
import { holdsForJson, holdsForLine, holdsForMetrics, parseSamples, type Sample } from './conditions.js'
import { Database } from './database.js'
import { type Condition, type Playbook, readPlaybook } from './playbook.js'
import { DrillService, type ServiceOptions, TOKEN } from './service.js'
import { Traffic } from './traffic.js'

export interface DrillOptions {
  /** Of the repository. */
  readonly root: string
  readonly say: (line: string) => void
}

/** What one drill does with its page. */
export type Play = (drill: Drill) => Promise<void>

/** A page did not lead where it says it does. */
export class DrillFailed extends Error {}

const SHOWN_LINES = 8
const PATIENCE_MS = 30_000

/**
 * Follows a page for the person on call on a stack of its own: breaks it, sees the page's symptom, does what the page
 * says in its order, sees that it is over. The conditions and the commands are read from the page itself.
 */
export class Drill {
  readonly database = new Database()
  readonly #page: Playbook
  readonly #options: DrillOptions
  readonly #releases: (() => unknown)[] = []
  readonly #environment: Record<string, string> = { FRESHTIER_TOKEN: TOKEN }
  #watched: DrillService | undefined
  #traffic: Traffic | undefined
  #answered = 0
  readonly #faults: string[] = []
  #before: { samples: Sample[]; events: number; lines: number } = { samples: [], events: 0, lines: 0 }
  #nextStep = 0

  constructor(name: string, options: DrillOptions) {
    this.#options = options
    this.#page = readPlaybook(join(options.root, 'docs/playbooks'), name)
  }

  /** Plays it to its end. Rejects where page and stack differ; nothing is left running. */
  async play(play: Play): Promise<void> {
    this.#options.say(`\n== ${this.#page.title}`)
    try {
      await play(this)
      await this.quiet()
      this.#finish()
    } finally {
      await this.quiet()
      for (const release of this.#releases.reverse()) await release()
    }
  }

  async startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = await startRedisServer(options)
    this.onEnd(() => server.stop())
    this.set('REDIS_URL', server.url)
    return server
  }

  async startService(options: Omit<ServiceOptions, 'database'>): Promise<DrillService> {
    const service = await DrillService.start({ ...options, database: this.database })
    this.onEnd(() => service.close())
    await this.until('a service that follows the log', () => service.isReady())
    return service
  }

  onEnd(release: () => unknown): void {
    this.#releases.push(release)
  }

  /** A variable that the page's commands use. */
  set(name: string, value: string): void {
    this.#environment[name] = value
  }

  /** The page's conditions and `$SERVICE` are about this one. */
  watch(service: DrillService): void {
    this.#watched = service
    this.set('SERVICE', service.url)
  }

  /** Requests to these services, and to no others, from now on; resolves when some are answered. */
  async send(services: readonly DrillService[], { changesEvery = 0 } = {}): Promise<Traffic> {
    await this.quiet()
    this.#traffic = new Traffic(services, this.database, changesEvery)
    await this.#answers()
    return this.#traffic
  }

  /** No requests for now. */
  async quiet(): Promise<void> {
    if (this.#traffic === undefined) return
    await this.#traffic.end()
    this.#answered += this.#traffic.answered
    this.#faults.push(...this.#traffic.faults)
    this.#traffic = undefined
  }

  /** Something goes wrong now. */
  async breaks(what: string, action: () => unknown): Promise<void> {
    await this.#mark()
    this.say(`breaks: ${what}`)
    await action()
  }

  say(what: string): void {
    this.#options.say(`  ${what}`)
  }

  expect(holds: boolean, what: string): void {
    if (!holds) throw new DrillFailed(`not so: ${what}`)
    this.say(`✓ ${what}`)
  }

  async becomes(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    await this.until(what, condition)
    this.say(`✓ ${what}`)
  }

  until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    return until(condition, { what, withinMs: PATIENCE_MS, everyMs: 10 })
  }

  async showsSymptom(): Promise<void> {
    this.say('symptom, as the page says:')
    for (const condition of this.#page.symptom) await this.#holds(condition)
  }

  /** Runs the page's next step, which must be this one, as it stands there. */
  async run(name: string): Promise<string> {
    const { text, exitCode } = this.#take(name, 'run')
    for (const line of text.split('\n')) this.say(`$ ${line}`)
    const { code, output } = await this.#shell(text)
    const lines = output.trimEnd().split('\n')
    for (const line of lines.slice(0, SHOWN_LINES)) this.say(`  ${line}`)
    if (lines.length > SHOWN_LINES) this.say(`  … ${lines.length - SHOWN_LINES} more lines`)
    if (code !== exitCode) throw new DrillFailed(`'${text}' ended with ${code}; the page says ${exitCode}`)
    return output
  }

  /** The page's next step is done another way at each place; here this way. */
  async yours(name: string, action: () => unknown): Promise<void> {
    const { text } = this.#take(name, 'yours')
    for (const line of text.split('\n')) this.say(`(here in its own way) ${line}`)
    await action()
  }

  /** Everything is mended: after some more requests, and what `meanwhile` does, the page's last table must hold. */
  async isOver(meanwhile: () => unknown = () => {}): Promise<void> {
    await this.#mark()
    await meanwhile()
    await this.#answers()
    this.say('over, as the page says:')
    for (const condition of this.#page.over) await this.#holds(condition)
  }

  #take(name: string, kind: 'run' | 'yours'): Playbook['steps'][number] {
    const step = this.#page.steps[this.#nextStep++]
    if (step?.name === name && step.kind === kind) return step
    throw new DrillFailed(`the page's next step is '${step?.name ?? 'none'}' (${step?.kind}), not '${name}' (${kind})`)
  }

  #finish(): void {
    const left = this.#page.steps.slice(this.#nextStep).map(({ name }) => name)
    if (left.length > 0) throw new DrillFailed(`steps of the page were not taken: ${left.join(', ')}`)
    const [fault = ''] = this.#faults
    if (this.#answered === 0) return
    this.expect(fault === '', `${this.#answered} requests meanwhile: each answered, none too old ${fault}`.trimEnd())
  }

  async #mark(): Promise<void> {
    const service = this.#watched
    if (service === undefined) return
    const samples = parseSamples(await service.text('/metrics'))
    this.#before = { samples, events: service.events.length, lines: service.log.length }
  }

  async #answers(): Promise<void> {
    const traffic = this.#traffic
    if (traffic === undefined) return
    const enough = traffic.answered + 30
    await until(() => traffic.answered >= enough, { what: 'more requests', withinMs: PATIENCE_MS })
  }

  async #holds({ seenIn, text }: Condition): Promise<void> {
    let error: unknown
    const look = async (): Promise<boolean> => {
      try {
        return await this.#looks[seenIn](text, this.#watched!)
      } catch (cause) {
        error = cause
        return false
      }
    }
    await until(look, { what: 'it', withinMs: PATIENCE_MS, everyMs: 20 }).catch(() => {
      throw new DrillFailed(`not seen in ${seenIn}: ${text} ${error === undefined ? '' : errorText(error)}`)
    })
    this.say(`  ✓ ${seenIn.padEnd(7)} ${text}`)
  }

  readonly #looks: Record<Condition['seenIn'], (text: string, service: DrillService) => Promise<boolean>> = {
    metrics: async (text, service) => {
      const now = parseSamples(await service.text('/metrics'))
      return holdsForMetrics(text, { now, before: this.#before.samples })
    },
    health: async (text, service) => holdsForJson(text, JSON.parse(await service.text('/health'))),
    console: async (text, service) => {
      const { caches } = await service.console.get('/snapshot')
      return holdsForJson(text, (caches as object[])[0])
    },
    events: async (text, service) => holdsForLine(text, service.events.slice(this.#before.events), 'type'),
    log: async (text, service) => holdsForLine(text, service.log.slice(this.#before.lines), 'event'),
  }

  /** In a shell in which `npx freshtier` is the command line of this repository. */
  async #shell(command: string): Promise<{ code: number; output: string }> {
    const prelude = `npx() { shift; "${process.execPath}" "${join(this.#options.root, 'dist/cli/bin.js')}" "$@"; }`
    const child = spawn('/bin/sh', ['-c', `${prelude}\n${command}`], {
      env: { PATH: process.env.PATH, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    const [code] = (await once(child, 'close')) as [number]
    return { code, output }
  }
}
