import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../baseline.json', import.meta.url)

/** A median below the baseline's lower quartile by more than this share counts as slower. */
const TOLERANCE = 0.1

/**
 * The committed baseline keeps what another machine can be held to: ratios within a run, and counts. Of rivals nothing
 * is kept.
 */
export function recordBaseline(scenario, report) {
  const baseline = { ...readBaseline(), [scenario.name]: keptOf(report) }
  writeFileSync(file, `${JSON.stringify(baseline, null, 2)}\n`)
}

/** What got worse than the baseline, one sentence each; undefined if there is none for this scenario. */
export function compareWithBaseline(scenario, report) {
  const before = readBaseline()[scenario.name]
  return before && regressions(before, keptOf(report))
}

export function regressions(before, now) {
  return Object.entries(now).flatMap(([group, rows]) =>
    Object.entries(rows).flatMap(([contender, { ratios, counts }]) => {
      const past = before[group]?.[contender]
      if (!past) return []
      const slower = Object.entries(ratios)
        .filter(([to, { median }]) => past.ratios[to] && median < past.ratios[to].q1 * (1 - TOLERANCE))
        .map(([to, { median }]) => `${group}, ${contender}: ${median} × ${to}, was ${past.ratios[to].median}`)
      const others = Object.entries(counts)
        .filter(([name, count]) => name in past.counts && count !== past.counts[name])
        .map(([name, count]) => `${group}, ${contender}: ${count} ${name}, was ${past.counts[name]}`)
      return [...slower, ...others]
    }),
  )
}

function keptOf({ groups }) {
  return Object.fromEntries(
    groups.map(({ name, figures: columns, rows }) => [
      name,
      Object.fromEntries(
        rows
          .filter(({ contender }) => contender.startsWith('freshtier'))
          .map(({ contender, ratios, figures }) => [
            contender,
            {
              ratios: Object.fromEntries(Object.entries(ratios).map(([to, spread]) => [to, rounded(spread)])),
              counts: Object.fromEntries(
                columns.filter(({ isCount }) => isCount).map((counted) => [counted.name, figures[counted.name].median]),
              ),
            },
          ]),
      ),
    ]),
  )
}

function rounded(spread) {
  return Object.fromEntries(Object.entries(spread).map(([name, number]) => [name, Number(number.toFixed(3))]))
}

function readBaseline() {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
}
