/** Makes an element: `element('button', { class: 'action', onclick }, 'Acknowledge')`. Text is text, never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value)
    else made.setAttribute(key, value === true ? '' : value)
  }
  made.append(...children.filter((child) => child !== undefined))
  return made
}

/** Writes text only where it changed, so that a live page doesn't redraw what stands still. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}
