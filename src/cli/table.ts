import picocolors from 'picocolors'
import type { CliIo } from './cli-io.js'

export type Colours = ReturnType<typeof picocolors.createColors>

/** Colours, or none: then every function returns its text as it is. */
export function coloursOf({ hasColour }: CliIo): Colours {
  return picocolors.createColors(hasColour)
}

/** Lines of columns: the first to the left, the others to the right, under a dim head. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[], colours: Colours): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd()
  return [colours.dim(line(head)), ...rows.map(line)]
}

/** Text of somebody else on a terminal: what would steer it is shown instead. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`
  })
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let size = bytes
  let unit = 0
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024
  return unit === 0 ? `${size} B` : `${size.toFixed(1)} ${units[unit]}`
}

export function percentText(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
