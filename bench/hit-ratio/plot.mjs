import { SHARES } from './shares.mjs'
import { OPTIMUM } from './summary.mjs'

const WIDTH = 680
const HEIGHT = 400
const PLOT = { left: 52, right: WIDTH - 132, top: 48, bottom: HEIGHT - 52 }
const LABEL_GAP = 16

/**
 * What is drawn, and how: colour on light, on dark, dash, and the marker of a point, so that no curve is told by its
 * colour alone. The rivals are LRUs but two; they would lie on the same curve.
 */
const CURVES = [
  { contender: OPTIMUM, light: '#57606a', dark: '#9198a1', dash: '6 5', marker: 'none' },
  { contender: 'freshtier w-tinylfu', light: '#0550ae', dark: '#58a6ff', marker: 'circle', isBold: true },
  { contender: 'freshtier s3-fifo', light: '#b35900', dark: '#f0883e', marker: 'square' },
  { contender: 'freshtier sieve', light: '#1a7f37', dark: '#3fb950', marker: 'up' },
  { contender: 'freshtier lru', light: '#cf222e', dark: '#ff7b72', marker: 'diamond' },
  { contender: 'freshtier lfu', light: '#8250df', dark: '#bc8cff', marker: 'down' },
  { contender: 'freshtier fifo', light: '#1b7c83', dark: '#39c5cf', marker: 'cross' },
]

const MARKERS = {
  none: () => '',
  circle: (x, y) => `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0`,
  square: (x, y) => `M${x - 3.5} ${y - 3.5}h7v7h-7z`,
  up: (x, y) => `M${x} ${y - 4.5}l4.5 8h-9z`,
  down: (x, y) => `M${x} ${y + 4.5}l4.5 -8h-9z`,
  diamond: (x, y) => `M${x} ${y - 5}l5 5l-5 5l-5 -5z`,
  cross: (x, y) => `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`,
}

/** One trace as a picture (SVG): hit ratio against size. It brings its own background, for light and for dark pages. */
export function plotHitRatios({ name, rows }) {
  const curves = CURVES.flatMap((curve, index) => {
    const row = rows.find(({ contender }) => contender === curve.contender)
    if (!row) return []
    const values = SHARES.map((share) => row.figures[share].median)
    return [{ ...curve, style: `curve-${index}`, values, label: curve.contender.replace('freshtier ', '') }]
  })
  const highest = Math.max(...curves.flatMap(({ values }) => values))
  const top = Math.max(10, Math.ceil(highest / 10) * 10)
  const toY = (percent) => round(PLOT.bottom - ((PLOT.bottom - PLOT.top) * percent) / top)
  const title = `${escaped(name)}: hit ratio against size`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title description">
<title id="title">${title}</title>
<desc id="description">${escaped(described(curves))}</desc>
<style>
${styles(curves)}
</style>
<rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="8"/>
<text class="title" x="${PLOT.left}" y="28">${title}</text>
${grid(top, toY)}
${curves.map((curve) => drawn(curve, toY)).join('\n')}
${labels(curves, toY)}
</svg>
`
}

function styles(curves) {
  const colours = (theme) => curves.map((curve) => `.${curve.style} { --ink: ${curve[theme]} }`).join('\n')
  return `svg { color-scheme: light dark; --page: #ffffff; --text: #24292f; --faint: #57606a; --line: #d8dee4 }
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: var(--text) }
.page { fill: var(--page) }
.title { font-size: 16px; font-weight: 600 }
.axis { fill: var(--faint) }
.grid { stroke: var(--line) }
.line { fill: none; stroke: var(--ink); stroke-width: 1.75; stroke-linejoin: round }
.bold { stroke-width: 3.25 }
.marker { fill: var(--ink); stroke: var(--ink); stroke-width: 1.5 }
.label { fill: var(--ink) }
.boldlabel { font-weight: 600 }
.leader { stroke: var(--ink); stroke-width: 0.75 }
${colours('light')}
@media (prefers-color-scheme: dark) {
svg { --page: #0d1117; --text: #e6edf3; --faint: #9198a1; --line: #30363d }
${colours('dark')}
}`
}

function grid(top, toY) {
  const step = top > 50 ? 20 : 10
  const heights = Array.from({ length: Math.floor(top / step) + 1 }, (_, index) => index * step)
  const { left, right, bottom } = PLOT
  return [
    ...heights.map(
      (percent) => `<line class="grid" x1="${left}" x2="${right}" y1="${toY(percent)}" y2="${toY(percent)}"/>`,
    ),
    ...heights.map((percent) => text({ x: left - 8, y: toY(percent) + 4, anchor: 'end' }, `${percent} %`)),
    ...SHARES.map((share) => text({ x: toX(share), y: bottom + 20, anchor: 'middle' }, `${share} %`)),
    text(
      { x: (left + right) / 2, y: bottom + 42, anchor: 'middle' },
      'entries that fit, of the unique keys (logarithmic)',
    ),
  ].join('\n')
}

function drawn({ values, marker, style, dash, isBold }, toY) {
  const points = values.map((value, index) => [toX(SHARES[index]), toY(value)])
  const dashed = dash ? ` stroke-dasharray="${dash}"` : ''
  const markers = points.map(([x, y]) => MARKERS[marker](x, y)).join('')
  return `<g class="${style}"><polyline class="line${isBold ? ' bold' : ''}"${dashed} points="${points.map(([x, y]) => `${x},${y}`).join(' ')}"/>${
    markers && `<path class="marker" d="${markers}"/>`
  }</g>`
}

/** Names at the right ends of the curves, pushed apart where curves end close together. */
function labels(curves, toY) {
  const ends = curves.map((curve) => ({ ...curve, at: toY(curve.values.at(-1)) })).sort((a, b) => a.at - b.at)
  const places = ends.map(({ at }) => at)
  for (let index = 1; index < places.length; index++)
    places[index] = Math.max(places[index], places[index - 1] + LABEL_GAP)
  const overshoot = Math.max(0, places.at(-1) - PLOT.bottom)
  places[places.length - 1] -= overshoot
  for (let index = places.length - 2; index >= 0; index--)
    places[index] = Math.min(places[index], places[index + 1] - LABEL_GAP)
  const from = PLOT.right + 6
  return ends
    .map(({ style, label, values, at, isBold }, index) => {
      const leader = `<line class="leader" x1="${from}" y1="${at}" x2="${from + 14}" y2="${round(places[index])}"/>`
      const bold = isBold ? ' boldlabel' : ''
      return `<g class="${style}">${leader}<text class="label${bold}" x="${from + 18}" y="${round(places[index] + 4)}">${escaped(label)} ${values.at(-1).toFixed(1)}</text></g>`
    })
    .join('\n')
}

const described = (curves) =>
  `Percent of hits at ${SHARES.map((share) => `${share} %`).join(', ')} of the unique keys. ${curves
    .map(({ label, values }) => `${label}: ${values.map((value) => value.toFixed(1)).join(', ')}.`)
    .join(' ')}`

function toX(share) {
  const [first, last] = [Math.log(SHARES[0]), Math.log(SHARES.at(-1))]
  return round(PLOT.left + 10 + ((PLOT.right - PLOT.left - 20) * (Math.log(share) - first)) / (last - first))
}

const text = ({ x, y, anchor }, words) => `<text class="axis" x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`

const round = (number) => Math.round(number * 10) / 10

const escaped = (words) => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
