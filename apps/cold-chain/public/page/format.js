const NONE = '–'

export function celsius(value) {
  return value === null || value === undefined ? NONE : `${value.toFixed(1)} °C`
}

export function degrees(value) {
  return value === null || value === undefined ? NONE : value.toFixed(1)
}

/** Two decimals always, so that a column of them lines up. The unit stands in the column's head. */
export function milliseconds(value) {
  return value === undefined || value === null ? NONE : value.toFixed(2)
}

export function percent(share, digits = 1) {
  return share === null || share === undefined ? NONE : `${(100 * share).toFixed(digits)} %`
}

export function count(value) {
  return value === null || value === undefined ? NONE : value.toLocaleString('en-US')
}

export function bytes(value) {
  if (value < 1024) return `${value} B`
  return value < 1024 ** 2 ? `${(value / 1024).toFixed(1)} KB` : `${(value / 1024 ** 2).toFixed(1)} MB`
}

export function time(date) {
  return date.toLocaleTimeString('en-GB')
}

/** How long ago, in one word. */
export function ago(date, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - date.getTime()) / 1000))
  if (seconds < 60) return `${seconds} s`
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`
}
