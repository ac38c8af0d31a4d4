// Real servers for scenarios about Redis: on free ports, without persistence, ended with this process.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** Keeps the server until its own standard input ends: however the bench dies, the server goes too. */
const KEEPER = `
trap '' INT TERM
redis-server "$@" >/dev/null 2>&1 &
server=$!
cat >/dev/null
kill -KILL "$server"
wait "$server" 2>/dev/null
rm -rf -- "$0"
`
const SLOTS = 16_384

/** @returns the port of an empty server that answers. */
export async function startServer(args = []) {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'freshtier-bench-'))
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
  const keeper = spawn('/bin/sh', ['-c', KEEPER, folder, ...settings, ...args], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  // The pipe ends with this process, and that ends the server; neither keeps the process.
  keeper.unref()
  keeper.stdin.unref()
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => {})
  await client.ping()
  client.disconnect()
  return port
}

/** @returns the ports of a cluster of three primaries. */
export async function startCluster() {
  const ports = []
  const buses = []
  for (let node = 0; node < 3; node++) {
    buses.push(await freePort())
    ports.push(await startServer(['--cluster-enabled', 'yes', '--cluster-port', String(buses[node])]))
  }
  const nodes = ports.map((port) => new Redis({ host: '127.0.0.1', port }))
  for (const [index, node] of nodes.entries()) {
    const from = Math.ceil((index * SLOTS) / 3)
    await node.call('CLUSTER', 'ADDSLOTSRANGE', from, Math.ceil(((index + 1) * SLOTS) / 3) - 1)
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    if (index > 0) await nodes[0].call('CLUSTER', 'MEET', '127.0.0.1', ports[index], buses[index])
  }
  for (const node of nodes) {
    for (;;) {
      const info = String(await node.call('CLUSTER', 'INFO'))
      if (info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    node.disconnect()
  }
  return ports
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
