const styles = getComputedStyle(document.documentElement)

/** A small line of shares from 0 to 1, newest at the right. */
export class Sparkline {
  #canvas
  #values = []

  constructor(canvas) {
    this.#canvas = canvas
  }

  add(share) {
    this.#values.push(share)
    if (this.#values.length > 120) this.#values.shift()
    this.#draw()
  }

  #draw() {
    const { clientWidth, clientHeight } = this.#canvas
    const ratio = devicePixelRatio || 1
    this.#canvas.width = clientWidth * ratio
    this.#canvas.height = clientHeight * ratio
    const context = this.#canvas.getContext('2d')
    context.scale(ratio, ratio)
    context.strokeStyle = styles.getPropertyValue('--line-strong').trim()
    context.strokeRect(0.5, 0.5, clientWidth - 1, clientHeight - 1)
    context.strokeStyle = styles.getPropertyValue('--good').trim()
    context.lineWidth = 1.25
    context.beginPath()
    const step = (clientWidth - 4) / 119
    for (const [index, share] of this.#values.entries()) {
      const x = clientWidth - 2 - (this.#values.length - 1 - index) * step
      const y = 2 + (1 - (share ?? 0)) * (clientHeight - 4)
      if (index === 0) context.moveTo(x, y)
      else context.lineTo(x, y)
    }
    context.stroke()
  }
}
