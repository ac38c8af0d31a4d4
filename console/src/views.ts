import { signal } from '@preact/signals'
import type { ComponentType } from 'preact'
import type { CacheSnapshot } from '../../src/observe/console/console-snapshot.ts'
import { BenchmarksView } from './views/benchmarks-view.tsx'
import { ConfigurationView } from './views/configuration-view.tsx'
import { EntryView } from './views/entry-view.tsx'
import { FillsView } from './views/fills-view.tsx'
import { InvalidationsView } from './views/invalidations-view.tsx'
import { OverviewView } from './views/overview-view.tsx'
import { PoliciesView } from './views/policies-view.tsx'
import { TenantsView } from './views/tenants-view.tsx'
import { TiersView } from './views/tiers-view.tsx'

export interface ViewProps {
  readonly cache: CacheSnapshot
  readonly canChange: boolean
}

interface View {
  /** Behind the `#/` of its address. */
  readonly id: string
  readonly title: string
  readonly show: ComponentType<ViewProps>
}

/** In the order of their number keys. */
export const VIEWS: readonly View[] = [
  { id: 'overview', title: 'Overview', show: OverviewView },
  { id: 'policies', title: 'Policies', show: PoliciesView },
  { id: 'tiers', title: 'Tiers', show: TiersView },
  { id: 'fills', title: 'Fills and leases', show: FillsView },
  { id: 'invalidations', title: 'Invalidations', show: InvalidationsView },
  { id: 'tenants', title: 'Tenants', show: TenantsView },
  { id: 'entry', title: 'Look up a key', show: EntryView },
  { id: 'configuration', title: 'Configuration', show: ConfigurationView },
  { id: 'benchmarks', title: 'Benchmarks', show: BenchmarksView },
]

/** What the address names: `#/policies/units` is the view and what is chosen in it. */
export const place = signal(readPlace())

window.addEventListener('hashchange', () => {
  // Another hash is a part of this page: the skip link.
  if (location.hash.startsWith('#/')) place.value = readPlace()
})

export function go(view: string): void {
  location.hash = `#/${view}`
}

function readPlace(): { view: View; chosen: string | undefined } {
  const [, id, chosen] = /^#\/([a-z]+)(?:\/(.*))?$/.exec(location.hash) ?? []
  const view = VIEWS.find((one) => one.id === id) ?? VIEWS[0]!
  return { view, chosen: chosen === undefined ? undefined : decoded(chosen) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
