import { element } from './dom.js'
import { time } from './format.js'

const KEPT = 14

/** The last events, and what asking again afterwards brought: the proof that events come after the invalidation. */
export class EventLog {
  #list = element('div', { class: 'panel-body', id: 'event-list' })

  constructor(root) {
    root.replaceChildren(
      element(
        'div',
        { class: 'panel-head' },
        element('h2', {}, 'Events'),
        element('span', { class: 'source' }, 'commit → invalidate → event'),
      ),
      this.#list,
    )
  }

  add(name, what, tone, version) {
    const row = element(
      'div',
      { class: 'event' },
      element('time', {}, time(new Date())),
      element('span', { class: 'quiet' }, name),
      element('span', { class: `event-what ${tone}` }, what),
      element('span', { class: 'event-result' }, `v${version}`),
    )
    this.#list.prepend(row)
    while (this.#list.children.length > KEPT) this.#list.lastElementChild.remove()
  }

  clear() {
    this.#list.replaceChildren()
  }
}
