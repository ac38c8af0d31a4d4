// Removes one rule of the protocol at a time from a copy of the sources and expects the tests to notice.
//   npm run mutants [-- name …]
//   TESTS=test/proof/simulation.test.ts SEEDS=2000 npm run mutants     by these tests alone
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a mutant that names no tests of its own meets. */
const TESTS = [
  'test/unit/core/races.test.ts',
  'test/unit/core/schedules.test.ts',
  'test/proof/pruned-tags.test.ts',
  'test/proof/simulation.test.ts',
]
/** The scripts that Redis runs are no part of the twin: the contract looks after them. */
const ON_REDIS = ['test/contract/shared-tier.test.ts']
/** What the disk holds is judged by the core, too. */
const ON_DISK = ['test/unit/disk/core-disk.test.ts', 'test/unit/disk/disk-races.test.ts']
const IN_SEGMENTS = ['test/unit/disk/eviction.test.ts', 'test/unit/disk/segment-log.test.ts']

/** One of the tests must go red when `find` is replaced in `file`. */
const MUTANTS = [
  {
    name: 'R1 commit-without-token',
    file: 'src/memory/shared-twin-database.ts',
    find: "if (!this.release(request.key, token)) return 'fenced'",
    replace: 'this.release(request.key, token)',
  },
  {
    name: 'R1 commit-without-token on Redis',
    file: 'src/redis-protocol/scripts/commit.ts',
    find: "if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end",
    replace: '',
    tests: ON_REDIS,
  },
  {
    name: 'R1 invalidate-without-lease',
    file: 'src/memory/shared-twin-database.ts',
    find: 'this.leases.delete(key)\n    return this.data.delete(key)',
    replace: 'return this.data.delete(key)',
  },
  {
    name: 'R1 invalidate-without-lease on Redis',
    file: 'src/redis-protocol/redis-requests.ts',
    find: "['UNLINK', ...this.#dataAndLease(keys)]",
    replace: "['UNLINK', ...this.#dataAndLease(keys).filter((_, index) => index % 2 === 0)]",
    tests: ON_REDIS,
  },
  {
    name: 'R3 client-token',
    file: 'src/core/coordinator.ts',
    find: 'token: leaseToken(this.#parts.random.fillId(), job.space.policy.counters.usualFillMs)',
    replace: "token: 'the-same-client!'",
  },
  {
    name: 'R4 poison-dropped',
    file: 'src/core/flights.ts',
    find: "if (this.poison !== 'hard') this.poison = soft ? 'soft' : 'hard'",
    replace: 'this.isDetached = true; void soft',
  },
  {
    name: 'R5 evict-after-ack-dropped',
    file: 'src/core/invalidate.ts',
    find: 'for (const { space, key } of entries) this.#store.evict(space, key, soft)\n    const positions',
    replace: 'const positions',
  },
  {
    name: 'R5 bump-not-applied',
    file: 'src/core/invalidate.ts',
    find: 'if (namespace.applyBump({ ...event, epoch, clock }, true)) namespace.detachFlights()',
    replace: 'void epoch; void clock',
  },
  {
    name: 'R6 join-poisoned',
    file: 'src/core/flights.ts',
    find: 'flight === undefined || flight.isDetached || flight.isPoisoned ?',
    replace: 'flight === undefined ?',
  },
  {
    name: 'R6 control-block-detaches-nothing',
    file: 'src/core/namespace.ts',
    find: 'for (const space of this.spaces.values()) space.flights.detachLoads()',
    replace: '',
  },
  {
    name: 'follower-takes-what-is-replaced',
    file: 'src/core/coordinator.ts',
    find: 'if (envelope !== undefined && (refused === undefined || fillIdOf(envelope) !== refused)) {',
    replace: 'if (envelope !== undefined) {',
    tests: ['test/unit/core/lease.test.ts'],
  },
  {
    name: 'R8 log-before-delete',
    file: 'src/memory/shared-twin.ts',
    find: 'return this.#call(async () => {\n      if (marker)',
    replace: 'return this.#call(async () => {\n      await this.#append(namespace, payload)\n      if (marker)',
  },
  {
    name: 'R10 born-after-fill',
    file: 'src/core/lease-fill.ts',
    find: 'const { epoch, born, token } = lease',
    replace:
      'const { token } = lease; const { epoch, clock: born } = await this.#tier.control(job.space.namespace.id, [])',
  },
  {
    name: 'R11 epoch-ignored',
    file: 'src/core/namespace.ts',
    find: "if (entry.epoch !== control.epoch || control.floor > entry.born) return 'dead'",
    replace: "if (control.floor > entry.born) return 'dead'",
  },
  {
    name: 'R11 prune-without-p',
    file: 'src/core/namespace.ts',
    find: 'if (hard === undefined ? entry.born <= control.pruned : hard > entry.born)',
    replace: 'if (hard !== undefined && hard > entry.born)',
    tests: ['test/unit/core/judge-by-control.test.ts'],
  },
  {
    name: 'R9 control-from-before-the-log',
    file: 'src/core/namespace.ts',
    find: 'if (askedAt < this.#resetAt) return',
    replace: 'void askedAt',
    tests: ['test/unit/core/races.test.ts'],
  },
  {
    name: 'R11 older-block-tells-of-tags',
    file: 'src/core/namespace.ts',
    find: 'if (isTooOld && !this.#tags.has(tag)) return',
    replace: 'void isTooOld',
    tests: ['test/unit/core/judge-by-control.test.ts'],
  },
  {
    name: 'R11 judged-by-an-older-block',
    file: 'src/core/judge-envelope.ts',
    find: ' && !isOlder',
    replace: '',
    tests: ['test/unit/core/judge-by-control.test.ts'],
  },
  {
    name: 'R11 prune-without-p on Redis',
    file: 'src/redis-protocol/scripts/bump.ts',
    find: "if pruned > 0 then redis.call('HSET', n, '!p', text(pruned)) end",
    replace: '',
    tests: ON_REDIS,
  },
  {
    name: 'disk-read-unregistered',
    file: 'src/core/read.ts',
    find: 'space.flights.register(flight)',
    replace: 'if (fill !== undefined) space.flights.register(flight)',
  },
  {
    name: 'join-sent-read',
    file: 'src/core/flight-joins.ts',
    find: "if (fill === undefined || (level === 'strict' && sync !== undefined)) return undefined",
    replace: 'if (fill === undefined) return undefined',
  },
  {
    name: 'bound-ignored-by-memory',
    file: 'src/core/log-sync.ts',
    find: 'this.wasUsed = true\n    return nowMs - this.#syncedAt <= this.#maxStalenessMs',
    replace: 'this.wasUsed = true\n    return nowMs > Number.NEGATIVE_INFINITY',
  },
  {
    name: 'bound-ignored-by-shared-reads',
    file: 'src/core/shared-reader.ts',
    find: "return job.level === 'bounded' && !this.#parts.sync!.isCurrent(nowMs)",
    replace: 'return false',
  },
  {
    name: 'sync-stamped-at-receipt',
    file: 'src/core/log-sync.ts',
    find: 'this.#syncedAt = Math.max(this.#syncedAt, sentAt)',
    replace: 'this.#syncedAt = this.#clock.now(); void sentAt',
    tests: ['test/unit/core/races.test.ts'],
  },
  {
    name: 'R9 anchor-by-position',
    file: 'src/core/log-sync.ts',
    find: 'first?.id !== from.id || first.payload !== from.payload',
    replace: 'first?.id !== from.id',
    tests: ['test/unit/core/read-levels.test.ts'],
  },
  {
    name: 'anchor-not-compared',
    file: 'src/core/log-sync.ts',
    find: 'first?.id !== from.id || first.payload !== from.payload',
    replace: 'false',
  },
  {
    name: 'R1 set-takes-no-lease',
    file: 'src/core/write.ts',
    find: 'takes: true }',
    replace: 'takes: false }',
    tests: ['test/unit/core/late-replies.test.ts'],
  },
  {
    name: 'use-and-join: any load proves',
    file: 'src/core/log-sync.ts',
    find: 'return nowMs - Math.max(momentMs, this.#syncedAt) <= boundMs',
    replace: 'return momentMs > Number.NEGATIVE_INFINITY || nowMs - this.#syncedAt <= boundMs',
    tests: ['test/unit/core/outage-memory.test.ts'],
  },
  {
    name: 'shared-read-proves-without-control',
    file: 'src/core/shared-reader.ts',
    find: 'provenAtMs: reply.control === undefined ? Number.NEGATIVE_INFINITY : reply.sentAt',
    replace: 'provenAtMs: reply.sentAt',
    tests: ['test/unit/core/outage-memory.test.ts'],
  },
  {
    name: 'strict-join-unproven',
    file: 'src/core/flight-joins.ts',
    find: '(flight.lease !== undefined && (await this.#coordinator!.stands({ space, key, flight })))',
    replace: 'true',
    tests: ['test/unit/core/strict-joins.test.ts'],
  },
  {
    name: 'R6 join-gives-what-died-since',
    file: 'src/core/flight-joins.ts',
    find: ' && isAlive(early.value, space.namespace)',
    replace: '',
    tests: ['test/unit/core/races.test.ts'],
  },
  {
    name: 'strict-join-of-any-load',
    file: 'src/core/flight-joins.ts',
    find: 'flight.loadBegunAt > calledAt',
    replace: 'flight.loadBegunAt > 0',
    tests: ['test/unit/core/strict-joins.test.ts'],
  },
  {
    name: 'strict-join-by-an-older-look',
    file: 'src/core/coordinator.ts',
    find: 'flight.look = undefined\n      return this.#stands(job)',
    replace: 'return this.#stands(job).finally(() => void (flight.look = undefined))',
    tests: ['test/unit/core/strict-joins.test.ts'],
  },
  {
    name: 'strict-join-ignores-clock',
    file: 'src/core/coordinator.ts',
    find: 'return isOurs && control.epoch === lease.epoch && control.clock === lease.born',
    replace: 'return isOurs',
    tests: ['test/unit/core/strict-joins.test.ts'],
  },
  {
    name: 'read-before-queue',
    file: 'src/core/shared-reader.ts',
    find: 'return (await this.#queue.deliver()) ? undefined : undelivered(this.#tier.name)',
    replace: 'return undefined',
    tests: ['test/unit/core/invalidation-queue.test.ts'],
  },
  {
    name: 'queue-before-log',
    file: 'src/core/invalidation-queue.ts',
    find: 'let isUp = this.size === 0 || (await this.#sync.freshSync())',
    replace: 'let isUp = true',
    tests: ['test/unit/core/invalidation-queue.test.ts'],
  },
  {
    name: 'epoch-kept-after-rewind',
    file: 'src/core/invalidation-queue.ts',
    find: 'if (waiting.epoch !== undefined) await this.#endEpoch(namespace, waiting.epoch)',
    replace: '',
    tests: ['test/unit/core/failover.test.ts'],
  },
  {
    name: 'rewind-unseen-by-who-was-acknowledged',
    file: 'src/core/log-sync.ts',
    find: "if (isKnown && compareIds(from?.id ?? '0-0', acknowledged.id) < 0)",
    replace: 'if (isKnown && from === undefined)',
    tests: ['test/unit/core/failover.test.ts'],
  },
  {
    name: 'failure-heard-by-strict',
    file: 'src/core/coordinator.ts',
    find: "if (failure !== undefined && job.level !== 'strict') {",
    replace: 'if (failure !== undefined) {',
    tests: ['test/unit/core/failing-fill.test.ts'],
  },
  {
    name: 'soft-ages-from-notice',
    file: 'src/core/shared-reader.ts',
    find: 'return Number.isFinite(sinceUs) ? Math.min(0, sinceUs / 1000 - serverNowMs) : 0',
    replace: 'return 0',
    tests: ['test/unit/core/soft-aging.test.ts'],
  },
  {
    name: 'disk deletion-not-written',
    file: 'src/core/disk-side.ts',
    find: 'soft ? this.tier.soften(keys) : this.tier.remove(keys)',
    replace: 'soft ? this.tier.soften(keys) : Promise.resolve(true)',
    tests: ON_DISK,
  },
  {
    name: 'disk anchor-lost-but-believed',
    file: 'src/core/invalidate.ts',
    find: 'this.#parts.disk?.distrust(shard)',
    replace: '',
    tests: ON_DISK,
  },
  {
    name: 'disk join-older-than-bound',
    file: 'src/core/flight-joins.ts',
    find: 'flight.isLocal ? Number.NEGATIVE_INFINITY : flight.startedAtMs',
    replace: 'flight.startedAtMs',
    tests: ON_DISK,
  },
  {
    name: 'disk unjudged-tags',
    file: 'src/core/disk-side.ts',
    find: "if (standing === 'dead') return undefined",
    replace: '',
    tests: ON_DISK,
  },
  {
    name: 'disk store deletion-while-dropping',
    file: 'src/disk/disk-store.ts',
    find: 'coming !== undefined || this.#evictor.isDropping',
    replace: 'coming !== undefined',
    tests: IN_SEGMENTS,
  },
  {
    name: 'disk store expired-without-tombstone',
    file: 'src/disk/catalog.ts',
    find: 'return isThere || (!isKnown && !this.pending.has(key))',
    replace: 'return !isKnown && !this.pending.has(key)',
    tests: IN_SEGMENTS,
  },
  {
    name: 'disk store burst-drops-everything',
    file: 'src/disk/evictor.ts',
    find: 'log.keptBytes',
    replace: 'log.bytes',
    tests: IN_SEGMENTS,
  },
  {
    name: 'disk store dropped-twice',
    file: 'src/disk/segment-set.ts',
    find: 'if (this.#slots[segment.slot] !== segment) return true',
    replace: '',
    tests: IN_SEGMENTS,
  },
  {
    name: 'disk store copies-count-for-ever',
    file: 'src/disk/segment-log.ts',
    find: 'group.unshift(...this.#takeCopies())',
    replace: 'group.unshift(...this.#front.splice(0))',
    tests: IN_SEGMENTS,
  },
  {
    name: 'disk store trial-that-never-ends',
    file: 'src/disk/breaker.ts',
    find: ' && this.#clock.now() - this.#probedAt < this.#rules.timeoutMs',
    replace: '',
    tests: ['test/unit/disk/breaker.test.ts'],
  },
]

const root = join(import.meta.dirname, '..')
const copy = join(root, '.mutants')
const wanted = process.argv.slice(2)
const survivors = []

function prepare() {
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy)
  for (const part of ['src', 'test', 'proof', 'scripts', 'tsconfig.json', 'package.json'])
    cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
}

/** Names of the failed tests; empty if all are green. */
function failures(tests = TESTS) {
  const run = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--root',
      copy,
      '--reporter',
      'json',
      '--bail',
      '1',
      ...(process.env.TESTS?.split(',') ?? tests),
    ],
    { encoding: 'utf8', env: { ...process.env, SEEDS: process.env.SEEDS ?? '4000', NO_COLOR: '1' } },
  )
  const report = JSON.parse(run.stdout.slice(run.stdout.indexOf('{')))
  if (report.numTotalTests === 0) throw new Error(`no test ran: ${run.stdout}${run.stderr}`)
  return report.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(({ title }) => title),
  )
}

const played = MUTANTS.filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
prepare()
const red = failures([...new Set(played.flatMap(({ tests = TESTS }) => tests))])
if (red.length > 0) throw new Error(`the tests fail without any mutant: ${red.join(', ')}`)

for (const mutant of played) {
  prepare()
  const file = join(copy, mutant.file)
  const before = readFileSync(file, 'utf8')
  const after = before.replace(mutant.find, () => mutant.replace)
  if (after === before) {
    survivors.push(`${mutant.name}: its rule is no longer in ${mutant.file}`)
    continue
  }
  writeFileSync(file, after)
  const [killer] = failures(mutant.tests)
  console.log(`${killer === undefined ? 'SURVIVED' : 'killed  '}  ${mutant.name}  ${killer ? `by '${killer}'` : ''}`)
  if (killer === undefined) survivors.push(mutant.name)
}
rmSync(copy, { recursive: true, force: true })
if (survivors.length > 0) {
  console.error(`\nNot caught:\n${survivors.join('\n')}`)
  process.exitCode = 1
}
