import { nameOf } from "../elements";
import { listen, type Hub, type Properties } from "../hub";

const QUARTILES = [25, 50, 75, 100];
const CONTAINER = "[data-hw-scroll]";

interface Depth {
  max: number;
  scrolled: boolean;
  sent: number;
  readonly times: Properties;
}

/** `Scroll Depth Reached`: how far down the lower edge of the view came, of the document and of marked containers. */
export function scroll(hub: Hub): void {
  // Not always the root element: old pages scroll their body.
  const root = document.scrollingElement ?? document.documentElement;
  let depths = new Map<Element, Depth>();
  const touched = new Set<Element>();

  function measure(element: Element, scrolled: boolean): void {
    const { scrollTop, clientHeight, scrollHeight } = element;
    const depth = depths.get(element) ?? { max: 0, scrolled: false, sent: 0, times: {} };
    depths.set(element, depth);
    depth.scrolled ||= scrolled;
    // Fractions of pixels keep the sum a little below the whole height on zoomed pages.
    depth.max = Math.max(depth.max, Math.min(100, Math.floor(((scrollTop + clientHeight + 1) / scrollHeight) * 100)));
    for (const quartile of QUARTILES) {
      if (depth.max >= quartile) depth.times[`time_to_${quartile}`] ??= scrolled ? hub.views.age() : 0;
    }
  }

  function start(): void {
    depths = new Map();
    for (const element of [root, ...document.querySelectorAll(CONTAINER)]) measure(element, false);
  }

  function frame(): void {
    for (const element of touched) measure(element, true);
    touched.clear();
  }

  listen("scroll", ({ target }) => {
    const element = target === document ? root : (target as Element);
    if (element !== root && !element.matches(CONTAINER)) return;
    if (!touched.size) requestAnimationFrame(frame);
    touched.add(element);
  });

  function report(): void {
    frame();
    for (const [element, depth] of depths) {
      if (!depth.scrolled || depth.max <= depth.sent) continue;
      depth.sent = depth.max;
      const target = element === root ? "document" : nameOf(element);
      const quartile = depth.max - (depth.max % 25);
      const { max, times } = depth;
      hub.track("Scroll Depth Reached", { target, quartile, max_depth: max, ...times });
    }
  }

  start();
  hub.views.onStart(() => requestAnimationFrame(start));
  hub.views.onReport(report);
}
