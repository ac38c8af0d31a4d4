/** A word, a sign and a colour for each state: the three always stand together. */
export const STATES = {
  normal: { sign: '✔', word: 'NORMAL', tone: 'good' },
  warning: { sign: '▲', word: 'WARNING', tone: 'look' },
  critical: { sign: '✖', word: 'CRITICAL', tone: 'broken' },
  offline: { sign: '○', word: 'OFFLINE', tone: 'quiet' },
}

export function stateText(state) {
  return `${STATES[state].sign} ${STATES[state].word}`
}
