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
  #alerts = []

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
    this.#alerts = body.alerts
    this.draw()
  }

  /** Again, since "2 min" becomes "3 min". Keeps the focus where it was. */
  draw() {
    const focused = document.activeElement?.closest('[data-alert]')?.dataset.alert
    const rows = this.#alerts.map((alert) => this.#row(alert))
    this.#list.replaceChildren(
      ...(rows.length > 0 ? rows : [element('p', { class: 'empty' }, '✔ nothing needs anyone')]),
    )
    if (focused) this.#list.querySelector(`[data-alert="${focused}"] button`)?.focus()
  }

  #row(alert) {
    const { sign, word, tone } = LOOKS[alert.kind === 'offline' ? 'offline' : alert.severity]
    const seen = alert.status === 'acknowledged'
    const facts = [
      this.#siteOf(alert.unitId),
      `${ago(new Date(alert.raisedAt))} ago`,
      alert.celsius === null ? '' : celsius(alert.celsius),
      seen ? 'seen' : '',
    ]
    return element(
      'div',
      { class: 'alert', 'data-alert': alert.id },
      element('span', { class: tone }, `${sign} ${word}`),
      element(
        'span',
        { class: 'alert-what' },
        alert.unitName,
        element('span', { class: 'alert-facts' }, facts.filter(Boolean).join(' · ')),
      ),
      this.#button(alert, seen ? 'resolve' : 'acknowledge'),
    )
  }

  #button(alert, action) {
    const button = element(
      'button',
      { class: 'action', type: 'button', 'aria-label': `${action} the alert of ${alert.unitName}` },
      action,
    )
    button.addEventListener('click', async () => {
      button.disabled = true
      await this.#act(alert.id, action)
    })
    return button
  }
}
