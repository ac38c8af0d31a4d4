import { useEffect } from 'preact/hooks'
import { askForKeys } from './keys.ts'
import { cache, chosenCache, connection, isPaused, setPaused, snapshot, waiting } from './state/store.ts'
import { ChangeDialog } from './ui/change-dialog.tsx'
import { clock, count } from './ui/format.ts'
import { HelpDialog, isHelpOpen } from './ui/help-dialog.tsx'
import { TokenDialog } from './ui/token-dialog.tsx'
import { Toned } from './ui/tone.tsx'
import { place, VIEWS } from './views.ts'

export function App() {
  useEffect(askForKeys, [])
  const { view } = place.value
  const shown = cache.value
  const Show = view.show
  useEffect(() => {
    document.title = `${titleSign()}${view.title} · freshtier`
  }, [view, shown])
  return (
    <>
      <a class="skip" href="#main">
        skip to the content
      </a>
      <Top />
      <Navigation />
      <main id="main" tabIndex={-1}>
        <h1 class="view-title">{view.title}</h1>
        {shown ? (
          <Show key={`${view.id} ${shown.name}`} cache={shown} canChange={snapshot.value!.canChange} />
        ) : (
          <p class="empty">waiting for the service …</p>
        )}
      </main>
      <ChangeDialog />
      <TokenDialog />
      <HelpDialog />
    </>
  )
}

function Top() {
  const taken = snapshot.value
  return (
    <header class="top">
      <p class="brand">
        <span class="prompt" aria-hidden="true">
          ❄
        </span>{' '}
        freshtier <span class="quiet">console</span>
      </p>
      <CachePicker />
      <p class="state" id="health" role="status">
        {cache.value && <Health />}
      </p>
      {taken && (
        <p class="quiet process">
          pid {taken.process.pid} · Node.js {taken.process.node}
        </p>
      )}
      <button type="button" class="action" aria-pressed={isPaused.value} onClick={() => setPaused(!isPaused.value)}>
        {isPaused.value ? '▶ go on' : '▮▮ pause'}
      </button>
      <button type="button" class="action" onClick={() => (isHelpOpen.value = true)} aria-label="Keys and signs">
        ?
      </button>
      <p class="quiet as-of">
        {isPaused.value && waiting.value > 0 && `${count(waiting.value)} events wait · `}
        {taken && <time>{clock(taken.at)}</time>}
      </p>
      <p id="connection" class="connection" role="status">
        <ConnectionState />
      </p>
    </header>
  )
}

function CachePicker() {
  const caches = snapshot.value?.caches ?? []
  if (caches.length < 2) return <p class="picker">{caches[0]?.name}</p>
  return (
    <label class="picker">
      <span class="quiet">cache</span>
      <select value={cache.value?.name} onChange={(event) => (chosenCache.value = event.currentTarget.value)}>
        {caches.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  )
}

function Health() {
  const { status, tiers, message } = cache.value!.health
  if (status === 'pass') return <Toned tone="good">ALL TIERS ANSWER</Toned>
  const down = Object.keys(tiers).filter((tier) => tiers[tier]!.status === 'fail')
  return (
    <Toned tone="broken">{down.length > 0 ? `${down.join(', ').toUpperCase()} DOWN` : (message ?? 'FAILED')}</Toned>
  )
}

/** Without the time: it is read out whenever it changes. */
function ConnectionState() {
  const { state } = connection.value
  if (state === 'refused') return <span class="broken">✖ REFUSED</span>
  if (state === 'lost') return <span class="look">▲ RECONNECTING</span>
  if (state === 'connecting') return <span class="quiet">· connecting</span>
  return isPaused.value ? <span class="look">▮▮ PAUSED</span> : <span class="good">● LIVE</span>
}

function Navigation() {
  return (
    <nav class="views" aria-label="Views">
      <ul>
        {VIEWS.map(({ id, title }, index) => (
          <li key={id}>
            <a href={`#/${id}`} aria-current={place.value.view.id === id ? 'page' : undefined}>
              <kbd>{index + 1}</kbd> {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function titleSign(): string {
  const status = cache.value?.health.status
  return status === undefined || status === 'pass' ? '' : '✖ '
}
