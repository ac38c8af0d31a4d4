/**
 * One row of the table of targets. The verdict is computed from what this run measured; where it measured nothing, it
 * says so.
 *
 * @param measured a number, or undefined.
 * @param bound `{ atLeast }` or `{ atMost }`.
 */
export function target(what, measured, { atLeast, atMost, unit = '', digits = 2, note = '' }) {
  const wanted = atLeast === undefined ? `≤ ${atMost}${unit}` : `≥ ${atLeast}${unit}`
  if (measured === undefined) return { what, wanted, measured: '–', verdict: 'not measured' }
  const isMet = atLeast === undefined ? measured <= atMost : measured >= atLeast
  return { what, wanted, measured: `${measured.toFixed(digits)}${unit}${note}`, verdict: isMet ? 'met' : 'NOT MET' }
}
