// Drives Segment's browser client in Chromium, and prints what the page sent to the collector as JSON lines.
// Usage: node browser_client.mjs standard|batching|unload <page URL> <collector URL> <write key> <chromium> <profile folder>
import { chromium } from 'playwright-core'

const [mode, page_url, collector, writeKey, executablePath, profile] = process.argv.slice(2)
const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]
const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args: flags })
const page = await context.newPage()
const answered = []
context.on('response', (response) => {
  if (response.request().method() === 'POST') answered.push(response.status())
})
const strategies = {
  standard: null,
  batching: { strategy: 'batching', config: { size: 4, timeout: 300 } },
  unload: { strategy: 'batching', config: { size: 100, timeout: 60000 } },
}
await page.goto(page_url)
await page.evaluate(([host, key, strategy]) => window.start(host, key, strategy), [collector, writeKey, strategies[mode]])
await page.evaluate(async () => {
  const properties = { price: 19.9, count: 3, list: ['a', 'b'], text: 'Ünï 🎮 "q"' }
  await window.analytics.identify('u-1', { email: 'jane@example.com' })
  await window.analytics.track('Product Added', properties)
  await window.analytics.page('Shop', 'Home')
  await window.analytics.group('g-1', { name: 'Group' })
  await window.analytics.alias('u-2', 'u-1')
})
if (mode === 'unload') await page.goto('about:blank')
await page.waitForTimeout(1500)
if (mode === 'unload') await page.goto(page_url)
const sent = await page.evaluate(() => JSON.parse(localStorage.getItem('sent') ?? '[]'))
await context.close()
for (const body of sent) console.log(JSON.stringify(body))
if (answered.some((status) => status !== 200)) throw new Error(`answers: ${answered}`)
