import { cpus } from 'node:os'

/** Shares of all processors of this machine, 0 to 1. */
export interface MachineUse {
  readonly processors: number
  readonly server: number
  readonly driver: number
  /** Whatever else runs here: when it is much, latencies say more about it than about the server. */
  readonly others: number
}

/** Begins to count; the function that it returns says how the processors were used since. */
export function watchMachine(serverCpuSeconds: number): (serverCpuSecondsNow: number) => MachineUse {
  const startedAt = performance.now()
  const own = process.cpuUsage()
  const busy = busySeconds()
  return (serverCpuSecondsNow) => {
    const processors = cpus().length
    const available = (processors * (performance.now() - startedAt)) / 1_000
    const { user, system } = process.cpuUsage(own)
    const driver = (user + system) / 1e6 / available
    const server = (serverCpuSecondsNow - serverCpuSeconds) / available
    return { processors, server, driver, others: Math.max(0, (busySeconds() - busy) / available - server - driver) }
  }
}

function busySeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1_000
}
