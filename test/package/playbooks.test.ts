import { describe, expect, it } from 'vitest'
import { DRILLS } from '../../drills/drills.ts'
import { readPlaybook } from '../../drills/kit/playbook.ts'
import { COMMANDS } from '../../src/cli/program.ts'
import { LOG_EVENTS } from '../../src/observe/log-lines.ts'
import { AUDIT_METRICS, DASHBOARD_METRICS, METRICS } from '../../src/observe/metric-names.ts'
import { filesBelow, ROOT, read } from './repository.ts'

const pages = filesBelow('docs/playbooks', '.md').filter((page) => !page.endsWith('README.md'))
const nameOf = (page: string): string => page.slice(page.lastIndexOf('/') + 1, -'.md'.length)

describe('S3-8: playbooks', () => {
  it('each have a drill, and every drill a page; the list names them all', () => {
    expect(pages.map(nameOf).sort()).toEqual(Object.keys(DRILLS).sort())
    const list = read('docs/playbooks/README.md')
    for (const page of pages) expect(list).toContain(`(${nameOf(page)}.md)`)
  })

  it.each(pages)('%s tells metrics, health and console, and the commands', (page) => {
    const { symptom, over, steps } = readPlaybook(`${ROOT}/docs/playbooks`, nameOf(page))
    const seenIn = new Set(symptom.map((one) => one.seenIn))
    expect([...seenIn]).toEqual(expect.arrayContaining(['metrics', 'health', 'console']))
    expect(over.length).toBeGreaterThan(1)
    expect(steps.some(({ kind, text }) => kind === 'run' && text.startsWith('npx freshtier '))).toBe(true)
  })

  it.each(pages)('%s names only metrics, lines and commands that there are', (page) => {
    const text = read(page)
    const known = new Set([...Object.keys({ ...METRICS, ...DASHBOARD_METRICS, ...AUDIT_METRICS }), ...LOG_EVENTS])
    const named = [...text.matchAll(/\bcache_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))
    expect(named.filter((name) => !known.has(name))).toEqual([])
    const commands = [...text.matchAll(/npx freshtier (\w[\w-]*)/g)].map(([, name]) => name)
    expect(commands.filter((name) => !COMMANDS.some((command) => command.name === name))).toEqual([])
  })
})
