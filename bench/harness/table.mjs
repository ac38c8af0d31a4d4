/** The report for people, or as tables of Markdown for a page: medians, quartiles in brackets; then the targets. */
export function printReport(scenario, { groups, targets = [], node, rounds }, { markdown }) {
  const table = markdown ? markdownTable : plainTable
  const title = (name) => (markdown ? `\n### ${name}\n` : `\n${name}`)
  console.log(`\n${scenario.name}: ${scenario.question}\nNode ${node}, ${roundsText(rounds)}; median (quartiles).`)
  for (const group of groups) console.log(`${title(group.name)}\n${table(cellsOf(group))}`)
  if (targets.length > 0) console.log(`${title('targets')}\n${table(targetCells(targets))}`)
}

const roundsText = (rounds) => (rounds === 1 ? '1 round' : `${rounds} rounds`)

function cellsOf({ figures: columns, ratios, rows }) {
  const floors = ratios.map(({ to }) => to).filter((to) => rows.some((row) => to in row.ratios))
  const head = ['', ...columns.map(({ title }) => title), ...floors.map((to) => `× ${to}`)]
  const body = rows.map((row) => [
    row.contender,
    ...columns.map(({ name, digits }) => cell(row.figures[name], digits)),
    ...floors.map((to) => cell(row.ratios[to], 2)),
  ])
  return [head, ...body]
}

function targetCells(targets) {
  return [
    ['target', 'wanted', 'measured', ''],
    ...targets.map((row) => [row.what, row.wanted, row.measured, row.verdict]),
  ]
}

function cell({ q1, median, q3 }, digits) {
  if (q1 === q3) return format(median, digits)
  return `${format(median, digits)} (${format(q1, digits)}–${format(q3, digits)})`
}

const format = (number, digits) => (Number.isFinite(number) ? number.toFixed(digits) : '–')

function plainTable(cells) {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  return cells
    .map((row) =>
      row.map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]))).join('  '),
    )
    .join('\n')
}

function markdownTable([head, ...body]) {
  const rule = head.map((_, column) => (column === 0 ? '---' : '--:'))
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
