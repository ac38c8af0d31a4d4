import { setText } from './dom.js'
import { count } from './format.js'

/** Which of several instances answered how often, and whose socket this page has. Nothing where there is only one. */
export class Instances {
  #node
  #answers = new Map()
  #socket

  constructor(node) {
    this.#node = node
  }

  answered(instance) {
    if (!instance) return
    this.#answers.set(instance, (this.#answers.get(instance) ?? 0) + 1)
    this.#show()
  }

  /** The cache that the strip shows is that of the instance which has the socket. */
  hasSocket(instance) {
    if (!instance || instance === this.#socket) return
    this.#socket = instance
    this.#show()
  }

  #show() {
    const names = [...this.#answers.keys()].sort()
    const answers = names.map((name) => `${name}: ${count(this.#answers.get(name))}`).join('  ')
    const socket = this.#socket ? ` · socket on ${this.#socket}` : ''
    setText(this.#node, `answers of instance ${answers}${socket}`)
  }
}
