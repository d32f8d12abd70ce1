import type { Hub, Properties } from "../hub";

/** Layout shifts less than a second apart belong together, for five seconds at most (CLS definition). */
const SHIFT_GAP_MS = 1_000;
const SHIFT_WINDOW_MS = 5_000;

interface Shift extends PerformanceEntry {
  readonly value: number;
  readonly hadRecentInput: boolean;
}
interface Interaction extends PerformanceEntry {
  readonly interactionId?: number;
}

function observe(type: string, take: (entry: PerformanceEntry) => void, options: object = {}) {
  try {
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(take));
    observer.observe({ type, buffered: true, ...options });
    return (): void => {
      observer.takeRecords().forEach(take);
      observer.disconnect();
    };
  } catch {
    // This browser does not measure it.
    return undefined;
  }
}

/** `Web Vitals Measured`: once for each document, when it is first hidden or its first view ends. */
export function vitals(hub: Hub): void {
  const measured: Properties = {};
  const interactions = new Map<number, number>();
  let shifts = 0;
  let cls = 0;
  let firstShift = 0;
  let lastShift = 0;
  let sent = false;

  const stops = [
    observe("paint", ({ name, startTime }) => {
      if (name === "first-contentful-paint") measured.fcp_ms = Math.round(startTime);
    }),
    observe("largest-contentful-paint", ({ startTime }) => (measured.lcp_ms = Math.round(startTime))),
    observe("layout-shift", (entry) => {
      const { value, hadRecentInput, startTime } = entry as Shift;
      if (hadRecentInput) return;
      const together = startTime - lastShift < SHIFT_GAP_MS && startTime - firstShift < SHIFT_WINDOW_MS;
      if (!together) {
        shifts = 0;
        firstShift = startTime;
      }
      lastShift = startTime;
      cls = Math.max(cls, (shifts += value));
    }),
    observe(
      "event",
      (entry) => {
        const id = (entry as Interaction).interactionId;
        if (id) interactions.set(id, Math.max(interactions.get(id) ?? 0, entry.duration));
      },
      { durationThreshold: 40 },
    ),
  ];

  hub.views.onReport(() => {
    if (sent) return;
    sent = true;
    for (const stop of stops) stop?.();
    const slowest = [...interactions.values()].sort((a, b) => b - a);
    // Interactions below the threshold are not listed; one in fifty of all may be passed over (INP definition).
    const count = (performance as { interactionCount?: number }).interactionCount ?? interactions.size;
    const inp = slowest[Math.min(slowest.length - 1, Math.floor(count / 50))];
    const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    hub.track("Web Vitals Measured", {
      ...measured,
      cls: Math.round(cls * 1e4) / 1e4,
      ...(inp !== undefined && { inp_ms: Math.round(inp) }),
      ...(navigation && { ttfb_ms: Math.round(navigation.responseStart), navigation_type: navigation.type }),
    });
  });
}
