import { listen, type Hub } from "../hub";

/** After a sign of life the visitor counts as active for this long. */
const ACTIVE_MS = 5_000;

/** `Page Attention Measured`: time that the page was visible, and time that the visitor was active on it. */
export function attention(hub: Hub): void {
  let visibleFrom = 0;
  let lastSign = 0;
  let visible = 0;
  let active = 0;
  let totalVisible = 0;
  let totalActive = 0;
  const shown = (): boolean => document.visibilityState === "visible";

  function settle(now: number): void {
    if (visibleFrom) visible += now - visibleFrom;
    if (lastSign) active += Math.min(now - lastSign, ACTIVE_MS);
    visibleFrom = lastSign = 0;
  }

  function sign(): void {
    const now = performance.now();
    if (!visibleFrom) return;
    if (lastSign) active += Math.min(now - lastSign, ACTIVE_MS);
    lastSign = now;
  }

  function start(): void {
    visibleFrom = shown() ? performance.now() : 0;
    lastSign = visible = active = totalVisible = totalActive = 0;
  }

  for (const type of ["pointermove", "pointerdown", "keydown", "scroll", "wheel", "touchstart"] as const) listen(type, sign);
  document.addEventListener("visibilitychange", () => {
    if (shown()) visibleFrom = performance.now();
  });

  start();
  hub.views.onStart(start);
  hub.views.onReport(() => {
    settle(performance.now());
    if (visible < 1) return;
    totalVisible += visible;
    totalActive += active;
    hub.track("Page Attention Measured", {
      visible_ms: Math.round(visible),
      active_ms: Math.round(active),
      total_visible_ms: Math.round(totalVisible),
      total_active_ms: Math.round(totalActive),
    });
    visible = active = 0;
  });
}
