import { element, setText } from './dom.js'
import { ago, celsius } from './format.js'

const LOOKS = {
  critical: { sign: '✖', word: 'CRITICAL', tone: 'broken' },
  warning: { sign: '▲', word: 'WARNING', tone: 'look' },
  offline: { sign: '○', word: 'OFFLINE', tone: 'quiet' },
}

/** Open alerts with what a person can do about them. */
export class Alerts {
  #source = element('span', { class: 'source' })
  #list = element('div', { class: 'panel-body' })
  #act
  #siteOf
  /** Rows that are shown: each alert with the node that says how long ago it was. */
  #rows = []

  constructor(root, { act, siteOf }) {
    this.#act = act
    this.#siteOf = siteOf
    root.replaceChildren(
      element('div', { class: 'panel-head' }, element('h2', {}, 'Open alerts'), this.#source),
      this.#list,
    )
  }

  show({ body, source }) {
    setText(this.#source, source)
    const focused = document.activeElement?.closest('[data-alert]')?.dataset.alert
    this.#rows = body.alerts.map((alert) => ({ alert, facts: element('span', { class: 'alert-facts' }) }))
    const rows = this.#rows.map((row) => this.#draw(row))
    this.#list.replaceChildren(
      ...(rows.length > 0 ? rows : [element('p', { class: 'empty' }, '✔ nothing needs anyone')]),
    )
    this.tick()
    if (focused) this.#list.querySelector(`[data-alert="${focused}"] button`)?.focus()
  }

  /** Time passes: "2 min ago" becomes "3 min ago". Only that text changes, so that a click never meets a new button. */
  tick() {
    for (const { alert, facts } of this.#rows) setText(facts, this.#factsOf(alert))
  }

  #factsOf({ unitId, raisedAt, celsius: temperature, status, escalatedAt }) {
    const facts = [this.#siteOf(unitId), `${ago(new Date(raisedAt))} ago`]
    if (temperature !== null) facts.push(celsius(temperature))
    if (status === 'acknowledged') facts.push('seen')
    else if (escalatedAt) facts.push('▲ nobody came')
    return facts.filter(Boolean).join(' · ')
  }

  #draw({ alert, facts }) {
    const { sign, word, tone } = LOOKS[alert.kind === 'offline' ? 'offline' : alert.severity]
    return element(
      'div',
      { class: 'alert', 'data-alert': alert.id },
      element('span', { class: tone }, `${sign} ${word}`),
      element('span', { class: 'alert-what' }, alert.unitName, facts),
      this.#button(alert, alert.status === 'acknowledged' ? 'resolve' : 'acknowledge'),
    )
  }

  #button(alert, action) {
    const label = `${action} the alert of ${alert.unitName}`
    const button = element('button', { class: 'action', type: 'button', 'aria-label': label }, action)
    button.addEventListener('click', async () => {
      button.disabled = true
      await this.#act(alert.id, action)
    })
    return button
  }
}
