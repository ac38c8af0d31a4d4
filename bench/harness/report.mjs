import { quartiles } from './quartiles.mjs'

/**
 * Puts what was measured into tables: one for each group, one row for each contender. A ratio is taken within a round,
 * because two processes of one round ran on the same machine in the same minute: floor / own, so 1 is as quick as the
 * floor and 0.5 takes twice as long.
 */
export function report(scenario, cases, results, { rounds }) {
  const groups = new Map()
  for (const [index, { group, contender }] of cases.entries()) {
    const rows = groups.get(group) ?? []
    groups.set(group, rows)
    rows.push({ contender, samples: results[index] })
  }
  return {
    scenario: scenario.name,
    node: process.version,
    rounds,
    groups: [...groups].map(([name, rows]) => ({ name, rows: rows.map((row) => toRow(scenario, row, rows)) })),
  }
}

function toRow(scenario, { contender, samples }, rows) {
  const figures = Object.fromEntries(
    scenario.figures.map(({ name }) => [name, quartiles(samples.map((sample) => sample[name]))]),
  )
  const ratios = {}
  for (const { figure, to } of scenario.ratios) {
    const floor = rows.find((row) => row.contender === to)
    if (!floor) continue
    ratios[to] = quartiles(samples.map((sample, round) => floor.samples[round][figure] / sample[figure]))
  }
  return { contender, figures, ratios }
}
