import uPlot from '/vendor/uplot.js'

const styles = getComputedStyle(document.documentElement)
const token = (name) => styles.getPropertyValue(name).trim()
const DAY_S = 24 * 3600

/** Average as a line, lowest to highest as a band, over the last 24 hours. `times` writes the hours below. */
export function drawTrend(target, { points, height, times, limits }) {
  const seconds = points.map(({ at }) => Date.parse(at) / 1000)
  const quiet = {
    stroke: token('--text-faint'),
    grid: { stroke: token('--line'), width: 1 },
    ticks: { show: false },
    font: `11px ${token('--font')}`,
  }
  const edge = { stroke: 'transparent', points: { show: false } }
  const now = Date.now() / 1000
  return new uPlot(
    {
      width: target.clientWidth,
      height,
      padding: [6, 2, times ? 0 : 4, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: { x: { range: [now - DAY_S, now] }, y: { range: (_, low, high) => withRoom(low, high, limits) } },
      axes: [
        {
          ...quiet,
          size: times ? 20 : 0,
          gap: 3,
          splits: hours,
          values: (_, ticks) => ticks.map((tick) => (times ? clock(tick) : '')),
        },
        { ...quiet, size: 40, gap: 4, space: 22, values: (_, ticks) => ticks.map((tick) => `${tick}°`) },
      ],
      series: [{}, edge, edge, { stroke: token('--good'), width: 1.25, points: { show: false } }],
      bands: [{ series: [2, 1], fill: token('--band') }],
      hooks: limits ? { draw: [(plot) => drawLimits(plot, limits)] } : {},
    },
    [
      seconds,
      points.map(({ minimum }) => minimum),
      points.map(({ maximum }) => maximum),
      points.map(({ average }) => average),
    ],
    target,
  )
}

function withRoom(low, high, limits) {
  const lowest = Math.min(low ?? 0, limits?.[0] ?? low ?? 0)
  const highest = Math.max(high ?? 1, limits?.[1] ?? high ?? 1)
  const room = 0.08 * (highest - lowest || 1)
  return [lowest - room, highest + room]
}

/** Full hours, four apart. */
function hours(_plot, _axis, from, to) {
  const step = 4 * 3600
  const offset = new Date(from * 1000).getTimezoneOffset() * 60
  const splits = []
  for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to; at += step) splits.push(at)
  return splits
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })
}

function drawLimits({ ctx, bbox, valToPos }, limits) {
  ctx.save()
  ctx.strokeStyle = token('--look')
  ctx.setLineDash([6, 4])
  for (const limit of limits) {
    const y = Math.round(valToPos(limit, 'y', true)) + 0.5
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
  }
  ctx.restore()
}
