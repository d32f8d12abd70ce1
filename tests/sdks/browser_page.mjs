// What the test page runs: Segment's browser client as a site that installed it from npm would bundle it.
import { AnalyticsBrowser } from '@segment/analytics-next'

// What the page sends is written down where it survives the page: nobody can ask a page that is being closed.
const fetch = window.fetch
window.fetch = (url, request) => {
  if (request?.body) {
    const sent = JSON.parse(localStorage.getItem('sent') ?? '[]')
    localStorage.setItem('sent', JSON.stringify([...sent, JSON.parse(request.body)]))
  }
  return fetch(url, request)
}

window.start = (collector, writeKey, deliveryStrategy) => {
  const options = deliveryStrategy ? { integrations: { 'Segment.io': { deliveryStrategy } } } : {}
  window.analytics = AnalyticsBrowser.load({ writeKey, cdnURL: collector }, options)
  return window.analytics.ready()
}
