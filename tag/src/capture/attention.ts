import { onActivity } from "../activity";
import type { Hub } from "../hub";
import { listen } from "../page";
import { now } from "../moments";

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
  const shown = (): boolean => !document.hidden;

  function sign({ timeStamp }: Event): void {
    if (!visibleFrom) return;
    if (lastSign) active += Math.min(timeStamp - lastSign, ACTIVE_MS);
    lastSign = timeStamp;
  }

  /** Close the time that is under way; it goes on when the page is shown again or the next view starts. */
  function settle(): void {
    if (!visibleFrom) return;
    visible += now() - visibleFrom;
    if (lastSign) active += Math.min(now() - lastSign, ACTIVE_MS);
    visibleFrom = lastSign = 0;
  }

  function start(): void {
    visibleFrom = shown() ? now() : 0;
    lastSign = visible = active = totalVisible = totalActive = 0;
  }

  onActivity((seen) => {
    for (const type in seen) return sign(seen[type]!);
  });
  listen("visibilitychange", () => {
    if (shown()) visibleFrom = now();
  });

  start();
  hub.views.onStart(start);
  hub.views.onReport(() => {
    settle();
    if (visible < 1) return;
    totalVisible += visible;
    totalActive += active = Math.round(active);
    hub.track("Page Attention Measured", {
      visible_ms: visible,
      active_ms: active,
      total_visible_ms: totalVisible,
      total_active_ms: totalActive,
    });
    visible = active = 0;
  });
}
