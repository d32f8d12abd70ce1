import { onActivity } from "../activity";
import { nameOf } from "../elements";
import type { Hub, Properties } from "../hub";

const QUARTILES = [25, 50, 75, 100];
const CONTAINER = "[data-hw-scroll]";

interface Depth {
  /** Percent of the height. */
  max: number;
  /** The position at the last measure. */
  top: number;
  scrolled: boolean;
  sent: number;
  readonly times: Properties;
}

/** `Scroll Depth Reached`: how far down the lower edge of the view came, of the document and of marked containers. */
export function scroll(hub: Hub): void {
  // Not always the root element: old pages scroll their body.
  const root = document.scrollingElement ?? document.documentElement;
  let depths = new Map<Element, Depth>();

  function measure(element: Element): void {
    const { scrollTop: top, clientHeight, scrollHeight } = element;
    const depth = depths.get(element) ?? { max: 0, top, scrolled: false, sent: 0, times: {} };
    depths.set(element, depth);
    depth.scrolled ||= top !== depth.top;
    depth.top = top;
    // Fractions of pixels keep the sum a little below the whole height on zoomed pages.
    depth.max = Math.max(depth.max, Math.floor(((top + clientHeight) / scrollHeight) * 100 + 0.1));
    for (const quartile of QUARTILES) {
      if (depth.max >= quartile) depth.times["time_to_" + quartile] ??= depth.scrolled ? hub.views.age() : 0;
    }
  }

  const measureAll = (): void => [root, ...document.querySelectorAll(CONTAINER)].forEach(measure);
  const measureKnown = (): void => [...depths.keys()].forEach(measure);

  function report(): void {
    measureKnown();
    for (const [element, depth] of depths) {
      const { max, scrolled, sent, times } = depth;
      if (!scrolled || max <= sent) continue;
      depth.sent = max;
      const target = element === root ? "document" : nameOf(element);
      hub.track("Scroll Depth Reached", { target, quartile: max - (max % 25), max_depth: max, ...times });
    }
  }

  measureAll();
  onActivity((seen) => seen.scroll && measureKnown());
  hub.views.onStart(() => {
    depths = new Map();
    requestAnimationFrame(measureAll);
  });
  hub.views.onReport(report);
}
