import { count, counted, duration, tenantText } from '../ui/format.ts'
import { post, Refusal, reasonOf } from './api.ts'
import { type Change, change } from './change.ts'

const TENANT = { name: 'tenant', label: 'tenant', hint: 'empty: what belongs to no tenant' }

/** Asks what to invalidate: tags, or one entry. */
export function askInvalidate(
  cache: string,
  about: { tenant?: string; tags?: string; policy?: string; key?: string; isNumber?: boolean } = {},
): void {
  change.value = about.policy === undefined ? byTags(cache, about) : byEntry(cache, about)
}

function byTags(cache: string, { tenant = '', tags = '' }: { tenant?: string; tags?: string }): Change {
  return {
    title: 'Invalidate by tag',
    explains: [
      'Every entry of the tenant that has one of these tags is dead at once, in every process.',
      'The next read of each fills it anew, so the source sees as many queries.',
    ],
    fields: [
      { ...TENANT, value: tenant },
      { name: 'tags', label: 'tags', value: tags, hint: 'separated by commas', isRequired: true },
      { name: 'kind', label: 'how', value: 'hard: dead', options: ['hard: dead', 'soft: stale'] },
    ],
    verb: 'Invalidate',
    async run(values) {
      const named = values.tags!.split(',').flatMap((tag) => tag.trim() || [])
      const soft = values.kind!.startsWith('soft')
      const body = { cache, tenant: values.tenant!, tags: named, soft }
      const { tags: done, tenant: of } = await post<{ tags: string[]; tenant: string }>('invalidate', body)
      return [
        `Invalidated ${soft ? 'softly ' : ''}${done.length === 1 ? 'the tag' : `${done.length} tags`} ${done.join(', ')}`,
        `of tenant ${tenantText(of)}. Every process has been told.`,
      ]
    },
  }
}

function byEntry(
  cache: string,
  { tenant = '', policy = '', key = '', isNumber = false }: Parameters<typeof askInvalidate>[1] & object,
): Change {
  return {
    title: 'Invalidate an entry',
    explains: ['This one entry is dead at once, in every process. The next read fills it anew.'],
    fields: [
      { ...TENANT, value: tenant },
      { name: 'policy', label: 'policy', value: policy, isRequired: true },
      { name: 'key', label: 'key', value: key, isRequired: true },
      { name: 'type', label: 'key is', value: isNumber ? 'a number' : 'text', options: ['text', 'a number'] },
    ],
    verb: 'Invalidate',
    async run(values) {
      const named = values.type === 'text' ? values.key! : Number(values.key)
      await post('invalidate', { cache, tenant: values.tenant!, entries: [[values.policy!, named]] })
      return [`Invalidated ${values.policy} ${values.key} of tenant ${tenantText(values.tenant)}.`]
    },
  }
}

/** Everything of one tenant; without one, of one that has to be named. `''` is what belongs to none. */
export function askPurge(cache: string, tenant?: string): void {
  change.value = tenant === '' ? ofNoTenant(cache) : ofTenant(cache, tenant ?? '')
}

function ofNoTenant(cache: string): Change {
  return {
    title: 'Clear what belongs to no tenant',
    explains: [
      'Everything the cache holds outside any tenant is dead at once, in every process. No tenant is touched.',
      'Its bytes leave memory and the shared tier as they expire or make room.',
    ],
    fields: [],
    verb: 'Clear',
    async run() {
      await post('clear', { cache, tenant: '' })
      return ['Cleared: nothing that belongs to no tenant is served any more, in any process.']
    },
  }
}

const PURGE = 'dead at once, then deleted step by step'
const COUNT = 'only count'

interface PurgeLeg {
  readonly found: { readonly entries: number; readonly leases: number }
  readonly deleted: number
  readonly steps: number
  readonly cursor: string
  readonly isDone: boolean
}

function ofTenant(cache: string, tenant: string): Change {
  return {
    title: 'Purge a tenant',
    explains: [
      'Everything the cache holds of this tenant is dead at once, in every process. No other tenant is touched.',
      'Then its keys are taken out of the shared tier, gently. Stop, or closing this dialog, ends that after the step under way; nothing of it is served all the same.',
    ],
    fields: [
      { name: 'tenant', label: 'tenant', value: tenant, isRequired: true },
      { name: 'how', label: 'how', value: PURGE, options: [PURGE, COUNT] },
      { name: 'rate', label: 'at most', value: '5000', hint: 'keys a second', isRequired: true },
    ],
    verb: 'Purge',
    canStop: true,
    run: async ({ tenant: of, how, rate }, { tell, signal }) => {
      const dryRun = how === COUNT
      const asked = { cache, tenant: of, dryRun, keysPerSecond: Number(rate) }
      const sum = { entries: 0, leases: 0, deleted: 0, steps: 0 }
      let from: string | undefined
      for (;;) {
        const leg = await post<PurgeLeg>('purge', from === undefined ? asked : { ...asked, from }).catch((error) => {
          if (from === undefined) throw error
          const so = `${reasonOf(error)} ${count(sum.deleted)} keys were deleted before; purge it again to go on.`
          throw new Refusal(0, 'PURGE_STOPPED', so)
        })
        sum.entries += leg.found.entries
        sum.leases += leg.found.leases
        sum.deleted += leg.deleted
        sum.steps += leg.steps
        const walked = `${count(sum.entries)} entries and ${count(sum.leases)} leases in the shared tier`
        if (dryRun && leg.isDone) return [`Found ${walked}. Nothing was changed.`]
        if (leg.isDone) {
          return [
            `Purged tenant ${tenantText(of)}: nothing of it is served any more, in any process.`,
            `Found ${walked}; ${count(sum.deleted)} keys were deleted in ${counted(sum.steps, 'step')}.`,
          ]
        }
        if (signal.aborted) {
          return [`Stopped: ${count(sum.deleted)} keys were deleted, more are left. Purge it again to go on.`]
        }
        tell(`${count(sum.deleted)} keys deleted so far, at cursor ${leg.cursor} …`)
        from = leg.cursor
      }
    },
  }
}

const EVICTIONS = ['w-tinylfu', 'lru', 'lfu', 'fifo', 'sieve', 's3-fifo']

interface EvictionChanged {
  readonly from: string
  readonly to: string
  readonly entries: number
  readonly tookMs: number
}

export function askEviction(cache: string, present: string): void {
  change.value = {
    title: 'Change the eviction of memory',
    explains: [
      'Who leaves when memory is full, in this process only and until it ends. Every entry stays.',
      'It walks over all entries at once: about a third of a second at a million.',
    ],
    fields: [{ name: 'eviction', label: 'eviction', value: present, options: EVICTIONS }],
    verb: 'Change',
    async run({ eviction }) {
      const { from, to, entries, tookMs } = await post<EvictionChanged>('eviction', { cache, eviction })
      return [`Changed from ${from} to ${to}: ${count(entries)} entries were kept, in ${duration(tookMs)}.`]
    },
  }
}
