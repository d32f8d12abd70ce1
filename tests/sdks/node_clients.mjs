// Sends the same calls through a vendor's Node client, and prints what went over the wire as JSON lines.
// Usage: node node_clients.mjs segment|rudder <collector URL> <write key>
import { gunzipSync } from 'node:zlib'
import { Analytics } from '@segment/analytics-node'
import RudderAnalytics from '@rudderstack/rudder-sdk-node'
import axios from 'axios'

const [client, host, writeKey] = process.argv.slice(2)
const sent = []
const properties = { price: 19.9, count: 3, big: 9007199254740991, list: ['a', 'b'], deep: { x: null }, text: 'Ünï 🎮 "q" \u0007' }

function calls(analytics) {
  const person = { userId: 'u-1', anonymousId: 'a-1' }
  const past = new Date('2025-11-20T09:17:16.036Z')
  analytics.identify({ ...person, traits: { email: 'jane@example.com' } })
  analytics.track({ ...person, event: 'Product Added', properties, timestamp: past })
  analytics.page({ ...person, name: 'Home', properties: { url: 'https://shop.example/' } })
  analytics.screen({ ...person, name: 'Main', properties: {} })
  analytics.group({ ...person, groupId: 'g-1', traits: { name: 'Group' } })
  analytics.alias({ userId: 'u-1', previousId: 'a-1' })
  analytics.track({ ...person, event: 'Consented', context: { consent: { categoryPreferences: { ads: false } } }, integrations: { All: true, Amplitude: false } })
}

async function segment() {
  const fetchAndKeep = async (url, request) => {
    sent.push(JSON.parse(request.body))
    return fetch(url, request)
  }
  const analytics = new Analytics({ writeKey, host, flushAt: 4, flushInterval: 100, httpClient: fetchAndKeep })
  analytics.on('error', (error) => { throw error })
  calls(analytics)
  await analytics.closeAndFlush()
}

async function rudder() {
  const axiosInstance = axios.create()
  axiosInstance.interceptors.request.use((request) => {
    sent.push(JSON.parse(gunzipSync(request.data)))
    return request
  })
  const analytics = new RudderAnalytics(writeKey, { dataPlaneUrl: host, flushAt: 4, flushInterval: 100, axiosInstance })
  calls(analytics)
  await analytics.flush()
  await new Promise((resolve) => setTimeout(resolve, 500))
  await analytics.flush()
}

await (client === 'segment' ? segment() : rudder())
for (const body of sent) console.log(JSON.stringify(body))
