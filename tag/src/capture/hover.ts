import { closest, describe, INTERACTIVE } from "../elements";
import { listen, type Hub } from "../hub";
import { now } from "../moments";

const DWELL_MS = 500;
const EVENTS_PER_VIEW = 20;

/** `Element Hovered`: the mouse rested on a marked or interactive element. */
export function hover(hub: Hub): void {
  let element: Element | null = null;
  let from = 0;
  let left = EVENTS_PER_VIEW;

  function move(to: Element | null): void {
    if (to === element) return;
    const dwell = now() - from;
    if (element && dwell >= DWELL_MS && left-- > 0) {
      hub.track("Element Hovered", { ...describe(element), dwell_ms: dwell });
    }
    element = to;
    from = now();
  }

  listen("pointerover", (event) => {
    if (event.pointerType === "mouse") move(closest(event, INTERACTIVE + ",[data-hw-hover]"));
  });
  document.documentElement.addEventListener("pointerleave", () => move(null));
  hub.views.onReport((reason) => {
    move(null);
    if (reason !== "hidden") left = EVENTS_PER_VIEW;
  });
}
