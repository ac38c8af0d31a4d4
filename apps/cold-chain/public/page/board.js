import { element, setText } from './dom.js'
import { celsius, degrees } from './format.js'
import { STATES, stateText } from './states.js'

/** Sites and their units. Filled once, then kept up by events; an event that is older than what stands there is ignored. */
export class Board {
  #root
  #choose
  #units = new Map()
  #chosen

  constructor(root, { choose }) {
    this.#root = root
    this.#choose = choose
  }

  show(sites) {
    this.#units.clear()
    this.#root.replaceChildren(...sites.map((site) => this.#site(site)))
  }

  get(unitId) {
    return this.#units.get(unitId)?.unit
  }

  choose(unitId) {
    this.#chosen = unitId
    for (const [id, { button }] of this.#units) button.setAttribute('aria-pressed', String(id === unitId))
  }

  changeState({ unit, version }) {
    const tile = this.#units.get(unit.id)
    if (!tile || version < tile.unit.version) return
    Object.assign(tile.unit, { state: unit.state, version })
    if (unit.celsius !== null) tile.unit.celsius = unit.celsius
    this.#draw(tile)
  }

  changeTemperatures(readings) {
    for (const { unitId, celsius: value } of readings) {
      const tile = this.#units.get(unitId)
      if (!tile) continue
      tile.unit.celsius = value
      this.#draw(tile)
    }
  }

  #site({ name, units }) {
    const count = `${units.length} ${units.length === 1 ? 'unit' : 'units'}`
    return element(
      'section',
      { class: 'site' },
      element('div', { class: 'site-head' }, element('h2', {}, name), element('span', {}, count)),
      element('div', { class: 'units' }, ...units.map((unit) => this.#unit({ ...unit, siteName: name }))),
    )
  }

  #unit(unit) {
    const parts = {
      unit,
      celsius: element('span'),
      state: element('span', { class: 'unit-state' }),
      marker: element('b'),
    }
    const range = `${unit.minimumCelsius} to ${unit.maximumCelsius} °C`
    const allowed = element('i')
    const [from, to] = scale(unit)
    allowed.style.left = `${share(unit.minimumCelsius, from, to)}%`
    allowed.style.right = `${100 - share(unit.maximumCelsius, from, to)}%`
    parts.button = element(
      'button',
      {
        class: 'unit',
        type: 'button',
        'data-unit': unit.id,
        'aria-pressed': String(unit.id === this.#chosen),
        title: `Allowed: ${range}`,
        onclick: () => this.#choose(unit.id),
      },
      element('span', { class: 'unit-name' }, unit.name),
      element('span', { class: 'unit-celsius' }, parts.celsius, element('small', {}, ' °C')),
      parts.state,
      element('span', { class: 'unit-range', 'aria-hidden': 'true' }, allowed, parts.marker),
    )
    this.#units.set(unit.id, parts)
    this.#draw(parts)
    return parts.button
  }

  #draw({ unit, button, celsius: temperature, state, marker }) {
    const [from, to] = scale(unit)
    button.dataset.state = unit.state
    setText(temperature, degrees(unit.celsius))
    setText(state, stateText(unit.state))
    if (unit.celsius !== null) marker.style.left = `${share(unit.celsius, from, to)}%`
    button.setAttribute(
      'aria-label',
      `${unit.name}: ${celsius(unit.celsius)}, ${STATES[unit.state].word.toLowerCase()}`,
    )
  }
}

/** From one and a half critical margins below the range to as much above it. */
function scale({ minimumCelsius, maximumCelsius, criticalMargin }) {
  return [minimumCelsius - 1.5 * criticalMargin, maximumCelsius + 1.5 * criticalMargin]
}

function share(value, from, to) {
  return Math.min(100, Math.max(0, (100 * (value - from)) / (to - from)))
}
