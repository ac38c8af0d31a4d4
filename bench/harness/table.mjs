/** The report for people: medians, quartiles in brackets. */
export function printReport(scenario, { groups, node, rounds }) {
  console.log(`\n${scenario.name}: ${scenario.question}\nNode ${node}, ${rounds} rounds; median (quartiles).`)
  for (const { name, rows } of groups) {
    const floors = scenario.ratios.map(({ to }) => to).filter((to) => rows.some((row) => to in row.ratios))
    const head = ['', ...scenario.figures.map(({ title }) => title), ...floors.map((to) => `× ${to}`)]
    const body = rows.map(({ contender, figures, ratios }) => [
      contender,
      ...scenario.figures.map((figure) => cell(figures[figure.name], figure.digits)),
      ...floors.map((to) => cell(ratios[to], 2)),
    ])
    console.log(`\n${name}\n${lines([head, ...body])}`)
  }
}

function cell({ q1, median, q3 }, digits) {
  if (q1 === q3) return format(median, digits)
  return `${format(median, digits)} (${format(q1, digits)}–${format(q3, digits)})`
}

const format = (number, digits) => (Number.isFinite(number) ? number.toFixed(digits) : '–')

function lines(cells) {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  return cells
    .map((row) =>
      row.map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]))).join('  '),
    )
    .join('\n')
}
