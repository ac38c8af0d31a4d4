import type { MachineUse } from './machine-use.js'
import type { Measurement } from './measure.js'
import { ms, percent, type Verdict } from './verdicts.js'

const BUSY_NEIGHBOURS = 0.15

/** The result of a run, for people. */
export function formatScenario(measured: Measurement): string {
  const { rates } = measured
  return [
    `Load      ${measured.seconds} s of ${rates.readingsPerSecond} readings/s (${percent(rates.stateChangeRatio)} change a state) and ${rates.dashboardsPerSecond} dashboards/s`,
    `Sent      ${measured.plainReadings + measured.stateChanges} readings, ${measured.stateChanges} state changes, ${measured.dashboards} dashboards`,
    `Cache     ${measured.requests} asked, ${measured.hits} hits (${percent(measured.hitRatio)}), ${measured.fills} run by the database, ${measured.queriesSaved} queries saved, ${measured.invalidations} invalidations`,
    `          dashboards alone, by their Cache-Status: ${percent(measured.dashboardHitRatio)} hits`,
    `Server    ${measured.serverRssMb} MB resident, ${measured.serverHeapMb} MB heap, event loop delay P99 at worst ${ms(measured.serverLoopDelayP99Ms)}`,
    `Machine   ${machineText(measured.machine)}`,
    '',
    table([
      ['Over HTTP, from the intended start', 'count', 'p50', 'p95', 'p99', 'max'],
      row('hit', measured.hitMs),
      row('miss', measured.missMs),
      row('reading written, told and answered', measured.writeMs),
      row('state change to fresh read', measured.writeToFreshReadMs),
      row('refetch after an event', measured.refetchMs),
      row('(lateness of this driver itself)', measured.driverLateMs),
    ]),
  ].join('\n')
}

export function formatRamp(steps: readonly Measurement[]): string {
  return table([
    [
      'Load',
      'readings/s',
      'dashboards/s',
      'hit ratio',
      'hit p50',
      'hit p99',
      'miss p99',
      'write p99',
      'saved',
      'RSS MB',
      'heap MB',
      'server CPU',
      'others CPU',
      'failed',
    ],
    ...steps.map((step, index) => [
      `${index + 1} x`,
      String(step.rates.readingsPerSecond),
      String(step.rates.dashboardsPerSecond),
      percent(step.hitRatio),
      ms(step.hitMs?.p50),
      ms(step.hitMs?.p99),
      ms(step.missMs?.p99),
      ms(step.writeMs?.p99),
      String(step.queriesSaved),
      String(step.serverRssMb),
      String(step.serverHeapMb),
      percent(step.machine.server),
      percent(step.machine.others),
      String(step.errors),
    ]),
  ])
}

export function formatVerdicts(verdicts: readonly Verdict[]): string {
  return table([
    ['Verdict', 'target', 'measured', ''],
    ...verdicts.map(({ name, target, measured, holds }) => [name, target, measured, holds ? 'holds' : 'FAILS']),
  ])
}

/** A busy neighbour makes every latency his. */
function machineText({ processors, server, driver, others }: MachineUse): string {
  const text = `${processors} processors: server ${percent(server)}, this driver ${percent(driver)}, other processes ${percent(others)}`
  return others > BUSY_NEIGHBOURS ? `${text}: repeat on a quiet machine, these latencies say more about them` : text
}

function row(name: string, summary: Measurement['hitMs']): string[] {
  if (!summary) return [name, '0', '-', '-', '-', '-']
  return [name, String(summary.samples), ms(summary.p50), ms(summary.p95), ms(summary.p99), ms(summary.max)]
}

/** First column to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)))
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}
