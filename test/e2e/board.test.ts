import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '../../apps/cold-chain/src/app.ts'
import { DATABASES } from '../integration/cold-chain/kit/databases.ts'
import { startTestApp, TenantClient } from '../integration/cold-chain/kit/test-app.ts'
import { until } from '../kit/until.ts'
import { launchChromium } from './chromium.ts'

const PATIENCE_MS = 20_000

describe('the board, in a real Chromium', () => {
  let app: App
  let browser: Browser
  let page: Page
  let org: TenantClient
  const complaints: string[] = []

  beforeAll(async () => {
    const source = await DATABASES[0]!.begin()
    app = await startTestApp(await source.open())
    org = new TenantClient(app, 'org-1')
    for (const unit of await org.units()) await org.reading(unit, 'cold')
    browser = await launchChromium()
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(`asks ${request.url()}`)
    })
    const url = await app.listen()
    await page.goto(url)
  }, 240_000)
  afterAll(async () => {
    await browser?.close()
    await app?.close()
  })

  const field = (name: string) => page.locator(`[data-field="${name}"]`)
  const reads = (selector: string, text: string | RegExp) =>
    page.locator(selector).filter({ hasText: text }).first().waitFor()

  it('goes live: every unit with its temperature, its state as a word and a sign', async () => {
    await reads('#connection', '● LIVE')
    expect(await page.locator('.unit').count()).toBe(4)
    expect(await page.locator('.unit-state').allTextContents()).toEqual(Array(4).fill('✔ NORMAL'))
    expect((await page.locator('.unit-celsius').allTextContents()).join()).toMatch(/^(-?\d+\.\d °C,?){4}$/)
    expect(await field('unit-status.normal').textContent()).toBe('4')
  })

  it('S4-23, S4-24: is set in a monospaced face, in the exact colours on a dark ground', async () => {
    // As text: it runs in the page, whose globals this project does not know.
    const computed = (target: string, property: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.${target}).getPropertyValue('${property}').trim()`)
    const tokens = await Promise.all(['--good', '--look', '--broken'].map((name) => computed('documentElement', name)))
    expect(tokens).toEqual(['#00ff00', '#ffa500', '#ff0000'])
    expect(await computed('body', 'font-family')).toMatch(/^Consolas, Monaco, .*monospace$/)
    expect(await computed('body', 'background-color')).toBe('rgb(8, 10, 9)')
  })

  it('shows a warm unit at once: tile, counts, alert and event; no answer older than its event', async () => {
    const [unit] = await org.units()
    await org.reading(unit!, 'warm')
    await reads(`[data-unit="${unit!.id}"] .unit-state`, '✖ CRITICAL')
    await reads('[data-field="unit-status.critical"]', '1')
    await reads('.alert', unit!.name)
    await reads('.event', 'alertCreated')
    await reads('#worst', 'CRITICAL')
    await reads('#freshness', /^✔ 0 of \d+ answers older/)
  })

  it('an alert is acknowledged and resolved by keyboard', async () => {
    await page.locator('.alert button').focus()
    await page.keyboard.press('Enter')
    await reads('[data-field="alerts.acknowledged"]', '1')
    await page.locator('.alert button').filter({ hasText: 'resolve' }).focus()
    await page.keyboard.press('Enter')
    await reads('#alerts', 'nothing needs anyone')
    expect((await org.get('alerts')).body).toMatchObject({ pending: 0, acknowledged: 0 })
  })

  it('a unit is chosen by keyboard, and its chart is drawn', async () => {
    await page.locator('.unit').nth(1).focus()
    await page.keyboard.press('Enter')
    await reads('#trend', /allowed -?\d+ to -?\d+ °C/)
    expect(await page.locator('.unit').nth(1).getAttribute('aria-pressed')).toBe('true')
    expect(await page.locator('#trend canvas').count()).toBe(1)
  })

  it('the strip moves with what the cache does', async () => {
    const asked = () => page.locator('[data-metric="requests"]').nth(1).textContent()
    const before = await asked()
    for (let index = 0; index < 25; index += 1) await org.get('stats')
    await until(async () => (await asked()) !== before, { what: 'a new count of queries' })
    await reads('#hit-ratio', /^\d+\.\d %$/)
    await reads('#speed', /the median is [\d.]+ × (quicker|slower)/)
  })

  it('changes the organisation: another board, and nothing of the first', async () => {
    await page.locator('#organisation').selectOption('org-2')
    await reads('#worst', '✔ ALL IN RANGE')
    const other = await new TenantClient(app, 'org-2').units()
    await reads(`[data-unit="${other[0]!.id}"]`, other[0]!.name)
    expect(await page.locator('.event').count()).toBe(0)
  })

  it('asks nobody but its own server, and nothing went wrong in it', () => {
    expect(complaints).toEqual([])
  })
})
