import { quartiles } from './quartiles.mjs'

/**
 * Puts what was measured into tables: one for each group, one row for each contender. A ratio is taken within a round,
 * because two processes of one round ran on the same machine in the same minute: floor / own, so 1 is as quick as the
 * floor and 0.5 takes twice as long. Figures and ratios are the scenario's, unless a case has its own.
 */
export function report(scenario, cases, results, { rounds }) {
  const groups = new Map()
  for (const [index, { group, contender, figures, ratios }] of cases.entries()) {
    const columns = { figures: figures ?? scenario.figures, ratios: ratios ?? scenario.ratios }
    const { rows } = groups.get(group) ?? groups.set(group, { columns, rows: [] }).get(group)
    rows.push({ contender, samples: results[index] })
  }
  return {
    scenario: scenario.name,
    node: process.version,
    rounds,
    groups: [...groups].map(([name, { columns, rows }]) => ({
      name,
      ...columns,
      rows: rows.map((row) => toRow(columns, row, rows)),
    })),
  }
}

function toRow(columns, { contender, samples }, rows) {
  const figures = Object.fromEntries(
    columns.figures.map(({ name }) => [name, quartiles(samples.map((sample) => sample[name]))]),
  )
  const ratios = {}
  for (const { figure, to } of columns.ratios) {
    const floor = rows.find((row) => row.contender === to)
    if (!floor) continue
    ratios[to] = quartiles(samples.map((sample, round) => floor.samples[round][figure] / sample[figure]))
  }
  return { contender, figures, ratios }
}
