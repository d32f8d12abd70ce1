import { onActivity } from "../activity";
import { describe, INTERACTIVE } from "../elements";
import type { Hub } from "../hub";
import { now } from "../moments";

const DWELL_MS = 500;
const EVENTS_PER_VIEW = 20;
const HOVERED = (INTERACTIVE + ",[data-hw-hover]").replace(/,|$/g, ":hover$&");

/** `Element Hovered`: the mouse rested on a marked or interactive element. */
export function hover(hub: Hub): void {
  let element: Element | null = null;
  let from = 0;
  let lastMove = 0;
  let left = EVENTS_PER_VIEW;

  function move(to: Element | null, time = now()): void {
    if (to === element) return;
    const dwell_ms = Math.round(time - from);
    if (element && dwell_ms >= DWELL_MS && left-- > 0) hub.track("Element Hovered", { ...describe(element), dwell_ms });
    element = to;
    from = time;
  }

  // What the mouse is on is asked once it rests, and counts from its last move; while it moves only whether it left.
  onActivity(({ pointermove, scroll }) => {
    const event = pointermove ?? scroll;
    if (!event) move(document.querySelector(HOVERED), lastMove);
    else {
      lastMove = event.timeStamp;
      if (element && !element.matches(":hover")) move(null, lastMove);
    }
  });
  document.documentElement.addEventListener("pointerleave", () => move(null));
  hub.views.onReport((reason) => {
    move(null);
    if (reason !== "hidden") left = EVENTS_PER_VIEW;
  });
}
