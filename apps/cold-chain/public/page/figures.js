import { element, setText } from './dom.js'
import { count } from './format.js'
import { STATES } from './states.js'

/** The row of figures: units by state, alerts, compliance, devices, organisation. Each says where its answer came from. */
export class Figures {
  #parts = {}

  constructor(root) {
    root.replaceChildren(
      this.#panel('unit-status', 'Units', [
        ['total', 'in all', ''],
        ...Object.entries(STATES).map(([state, { sign, word, tone }]) => [
          state,
          `${sign} ${word.toLowerCase()}`,
          tone,
        ]),
      ]),
      this.#panel('alerts', 'Alerts', [
        ['pending', '✖ pending', 'broken'],
        ['acknowledged', '▲ seen', 'look'],
        ['resolved', '✔ resolved 24 h', 'good'],
      ]),
      this.#panel('compliance', 'In range 24 h', [['percentage', 'of readings', '']]),
      this.#panel('devices', 'Devices', [
        ['online', '✔ online', 'good'],
        ['offline', '○ offline', 'quiet'],
      ]),
      this.#panel('stats', 'Overview', [
        ['siteCount', 'sites', ''],
        ['memberCount', 'members', ''],
      ]),
    )
  }

  show(name, { body, source }) {
    const parts = this.#parts[name]
    setText(parts.source, source)
    for (const [field, node] of Object.entries(parts.values)) {
      const value = body[field]
      setText(node, field === 'percentage' ? (value === null ? '–' : `${value.toFixed(2)} %`) : count(value))
    }
  }

  #panel(name, title, fields) {
    const values = {}
    const source = element('span', { class: 'source' })
    const row = element('div', { class: 'figure-row' })
    for (const [field, label, tone] of fields) {
      values[field] = element('span', { class: 'figure-value', 'data-field': `${name}.${field}` }, '–')
      row.append(
        element(
          'div',
          { class: 'figure-part' },
          values[field],
          element('span', { class: `figure-label ${tone}` }, label),
        ),
      )
    }
    this.#parts[name] = { values, source }
    return element(
      'div',
      { class: 'panel figure' },
      element('div', { class: 'panel-head' }, element('h2', {}, title), source),
      row,
    )
  }
}
