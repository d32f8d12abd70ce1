import { describe } from "../elements";
import type { Hub } from "../hub";
import { listen } from "../page";
import { now } from "../moments";

const MARKED = "[data-hw-view]";
const RATIO = 0.5;
const SEEN_MS = 1_000;
const EVENTS_PER_VIEW = 30;

/** `Element Viewed` for marked elements of which half was in view for a second; `Page Visibility Changed`. */
export function visibility(hub: Hub): void {
  const seenFrom = new Map<Element, number>();
  let left = EVENTS_PER_VIEW;
  let changedAt = now();

  function end(element: Element): void {
    const from = seenFrom.get(element);
    seenFrom.delete(element);
    const seen = from === undefined ? 0 : now() - from;
    if (seen < SEEN_MS || left-- <= 0) return;
    hub.track("Element Viewed", { ...describe(element), visible_ms: seen });
  }

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, intersectionRatio } of entries) {
        if (intersectionRatio >= RATIO) seenFrom.set(target, now());
        else end(target);
      }
    },
    { threshold: RATIO },
  );
  const observeAll = (): void => document.querySelectorAll(MARKED).forEach((element) => observer.observe(element));
  const added = new MutationObserver((records) => {
    if (records.some((record) => record.addedNodes.length)) observeAll();
  });

  listen("visibilitychange", () => {
    if (!document.hidden) {
      hub.track("Page Visibility Changed", { visible: true, hidden_ms: now() - changedAt });
      observer.disconnect();
      observeAll();
    }
    changedAt = now();
  });

  observeAll();
  added.observe(document, { subtree: true, childList: true });
  hub.views.onStart(() => {
    left = EVENTS_PER_VIEW;
    observer.disconnect();
    observeAll();
  });
  hub.views.onReport((reason) => {
    for (const element of [...seenFrom.keys()]) end(element);
    if (reason === "hidden") hub.track("Page Visibility Changed", { visible: false, after_ms: hub.views.age() });
  });
}
