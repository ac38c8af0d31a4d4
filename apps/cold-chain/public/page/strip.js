import { element, setText } from './dom.js'
import { bytes, count, milliseconds, percent } from './format.js'
import { Sparkline } from './sparkline.js'

const COUNTS = [
  ['requests', 'asked'],
  ['hits', 'from the cache'],
  ['joined', 'joined a fill'],
  ['fills', 'from the database'],
  ['saved', '✔ saved'],
  ['invalidations', 'invalidations'],
]
const LATENCIES = [
  ['all', 'with the cache'],
  ['hits', '  a hit alone'],
  ['uncached', 'without, sampled'],
]
const RANKS = ['p50', 'p95', 'p99']

/** What the cache does, once a second, counted and measured by the server's process. */
export class Strip {
  #ratio = element('span', { class: 'ratio', id: 'hit-ratio' }, '–')
  #facts = {
    word: element('p'),
    tiers: element('p', { class: 'quiet' }),
    held: element('p', { class: 'quiet' }),
    tenants: element('p', { class: 'quiet' }),
  }
  #counts = new Map()
  #latencies = new Map()
  #speed = element('p', { class: 'strong', id: 'speed' })
  #activity = { simulated: element('p', { class: 'quiet' }), pages: element('p', { class: 'quiet' }) }
  #policies = element('tbody')
  #spark

  constructor(root) {
    const canvas = element('canvas', { class: 'spark', 'aria-hidden': 'true' })
    root.replaceChildren(
      part(
        element('h2', { class: 'title' }, 'Hit ratio ', element('span', { class: 'quiet' }, 'last minute')),
        element('div', { class: 'ratio-line' }, this.#ratio, canvas),
        ...Object.values(this.#facts),
      ),
      part(table(['Queries', 'last min', 'since start'], rowsOf(COUNTS, this.#counts, 2))),
      part(
        table(['Latency, ms', ...RANKS], rowsOf(LATENCIES, this.#latencies, 3)),
        this.#speed,
        ...Object.values(this.#activity),
      ),
      part(table(['Policy', 'asked', 'hit ratio', '', 'fills', 'fill ms'], this.#policies, 'policies')),
    )
    this.#spark = new Sparkline(canvas)
  }

  show(metrics) {
    this.#showRatio(metrics)
    for (const [name, [recent, total]] of this.#counts) {
      setText(recent, count(metrics.recent[name]))
      setText(total, count(metrics.total[name]))
    }
    for (const [name, cells] of this.#latencies) {
      for (const [index, rank] of RANKS.entries()) setText(cells[index], milliseconds(metrics.latencyMs[name]?.[rank]))
    }
    setText(this.#speed, speedText(metrics))
    this.#showActivity(metrics.activity)
    this.#policies.replaceChildren(...metrics.policies.map(policyRow))
  }

  #showActivity({ simulatedReadingsPerSecond: readings, simulatedViewersPerSecond: viewers, pages }) {
    const simulated = `simulated: ${Math.round(readings)} readings/s, ${viewers} dashboards/s`
    setText(this.#activity.simulated, readings > 0 ? simulated : 'nothing is simulated')
    setText(this.#activity.pages, `${pages} ${pages === 1 ? 'page' : 'pages'} open`)
  }

  #showRatio({ recent, total, enabled, tiers, entries, bytes: held, tenants }) {
    const { word, tone } = judge(recent.hitRatio, enabled)
    setText(this.#ratio, enabled ? percent(recent.hitRatio) : 'OFF')
    this.#ratio.className = `ratio ${tone}`
    setText(this.#facts.word, enabled ? `${word} · ${percent(total.hitRatio)} since start` : word)
    this.#facts.word.className = tone
    setText(this.#facts.tiers, tiers)
    setText(this.#facts.held, `${count(entries)} entries, ${bytes(held)}`)
    setText(this.#facts.tenants, `${count(tenants)} tenants`)
    if (enabled) this.#spark.add(recent.hitRatio)
  }
}

function part(...children) {
  return element('div', { class: 'strip-part' }, ...children)
}

function table(titles, body, name) {
  const cells = titles.map((title, index) =>
    element('th', { scope: 'col', class: index === 0 ? 'title' : undefined }, title),
  )
  return element('table', { class: name }, element('thead', {}, element('tr', {}, ...cells)), body)
}

function rowsOf(rows, into, columns) {
  return element(
    'tbody',
    {},
    ...rows.map(([name, label]) => {
      const cells = Array.from({ length: columns }, () => element('td', { 'data-metric': name }, '–'))
      into.set(name, cells)
      return element('tr', {}, element('th', { scope: 'row' }, label), ...cells)
    }),
  )
}

function policyRow({ name, requests, hitRatio, fills, fillMeanMs }) {
  const bar = element('i')
  bar.style.width = `${100 * (hitRatio ?? 0)}%`
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, name),
    element('td', {}, count(requests)),
    element('td', {}, percent(hitRatio)),
    element('td', { class: 'bar', 'aria-hidden': 'true' }, element('span', { class: 'bar-track' }, bar)),
    element('td', {}, count(fills)),
    element('td', {}, milliseconds(fillMeanMs)),
  )
}

function judge(ratio, enabled) {
  if (!enabled) return { word: '○ CACHE=off', tone: 'quiet' }
  if (ratio === null) return { word: '– nothing asked', tone: 'quiet' }
  if (ratio >= 0.8) return { word: '✔ good', tone: 'good' }
  return ratio >= 0.5 ? { word: '▲ low', tone: 'look' } : { word: '✖ very low', tone: 'broken' }
}

function speedText({ enabled, latencyMs: { all, uncached } }) {
  if (!enabled) return 'every query goes to the database'
  if (!all || !uncached) return 'measuring …'
  const times = uncached.p50 / all.p50
  return times >= 1
    ? `the median is ${times.toFixed(times < 10 ? 1 : 0)} × quicker`
    : `the median is ${(1 / times).toFixed(1)} × slower`
}
