import { element, setText } from './dom.js'
import { degrees } from './format.js'
import { drawTrend } from './trend-plot.js'

const KIND_NAMES = { fridge: 'Fridges', 'cold-room': 'Cold rooms', freezer: 'Freezers', 'ultra-low': 'Ultra-low' }

/**
 * 24 hours of the organisation, one small chart for each kind of unit because their scales have nothing in common, or of
 * one unit with its limits. The line is the average, the band goes from the lowest to the highest.
 */
export class TrendChart {
  #title = element('h2')
  #source = element('span', { class: 'source' })
  #charts = element('div', { class: 'charts' })
  #openDoor
  #back
  #plots = []
  #size = new ResizeObserver(() => this.#resize())

  constructor(root, { openDoor, back }) {
    this.#openDoor = element('button', { class: 'action', type: 'button', onclick: openDoor }, 'open its door')
    this.#back = element('button', { class: 'action', type: 'button', onclick: back }, 'all units')
    root.replaceChildren(
      element('div', { class: 'panel-head' }, this.#title, this.#openDoor, this.#back, this.#source),
      element('div', { class: 'panel-body' }, this.#charts),
    )
    this.#head('Temperature, 24 h', '', false)
    this.#size.observe(this.#charts)
  }

  showOrganisation({ body, source }) {
    this.#head('Temperature, 24 h', source, false)
    const rows = body.series.map(({ kind, points }, index) => {
      const last = points.at(-1)
      const label = element(
        'div',
        { class: 'chart-label' },
        element('span', {}, KIND_NAMES[kind] ?? kind),
        element('span', { class: 'quiet' }, `⌀ ${degrees(last?.average)} °C`),
      )
      return {
        label,
        points,
        height: index === body.series.length - 1 ? 66 : 50,
        times: index === body.series.length - 1,
      }
    })
    this.#draw(rows)
  }

  showUnit({ body, source }, unit) {
    this.#head(unit.name, source, true)
    const { minimumCelsius, maximumCelsius, points } = body
    const label = element(
      'div',
      { class: 'chart-label wide' },
      element('span', {}, '━ average, lowest to highest'),
      element('span', { class: 'look' }, `╌ allowed ${minimumCelsius} to ${maximumCelsius} °C`),
    )
    this.#draw([{ label, points, height: 190, times: true, limits: [minimumCelsius, maximumCelsius] }])
  }

  #head(title, source, isUnit) {
    setText(this.#title, title)
    setText(this.#source, source)
    this.#openDoor.hidden = !isUnit
    this.#back.hidden = !isUnit
  }

  #draw(rows) {
    for (const plot of this.#plots) plot.destroy()
    this.#charts.replaceChildren()
    this.#plots = rows.map(({ label, ...trend }) => {
      const canvas = element('div', { class: 'chart' })
      this.#charts.append(element('div', { class: trend.limits ? 'chart-row wide' : 'chart-row' }, label, canvas))
      return drawTrend(canvas, trend)
    })
  }

  #resize() {
    for (const plot of this.#plots) plot.setSize({ width: plot.root.parentElement.clientWidth, height: plot.height })
  }
}
