import { nameOf } from "../elements";
import { listen, since, type Hub, type Properties } from "../hub";

const QUARTILES = [25, 50, 75, 100];
const CONTAINER = "[data-hw-scroll]";

interface Depth {
  max: number;
  pixels: number;
  scrolled: boolean;
  sent: number;
  readonly times: Properties;
}

/** `Scroll Depth Reached`: how far down the lower edge of the view came, of the document and of marked containers. */
export function scroll(hub: Hub): void {
  let depths = new Map<Element, Depth>();
  const touched = new Set<Element>();

  function measure(element: Element, scrolled: boolean): void {
    const { scrollTop, clientHeight, scrollHeight } = element;
    const depth = depths.get(element) ?? { max: 0, pixels: 0, scrolled: false, sent: 0, times: {} };
    depths.set(element, depth);
    depth.scrolled ||= scrolled;
    depth.pixels = Math.max(depth.pixels, Math.round(scrollTop + clientHeight));
    // Fractions of pixels keep the sum a little below the whole height on zoomed pages.
    depth.max = Math.max(depth.max, Math.min(100, Math.floor(((scrollTop + clientHeight + 1) / scrollHeight) * 100)));
    for (const quartile of QUARTILES) {
      if (depth.max >= quartile) depth.times[`time_to_${quartile}`] ??= scrolled ? since(hub.views.current) : 0;
    }
  }

  function start(): void {
    depths = new Map();
    const root = document.documentElement;
    for (const element of [root, ...document.querySelectorAll(CONTAINER)]) measure(element, false);
  }

  function frame(): void {
    for (const element of touched) measure(element, true);
    touched.clear();
  }

  listen("scroll", ({ target }) => {
    const element = target === document ? document.documentElement : (target as Element);
    if (element !== document.documentElement && !element.matches(CONTAINER)) return;
    if (!touched.size) requestAnimationFrame(frame);
    touched.add(element);
  });

  function report(): void {
    frame();
    for (const [element, depth] of depths) {
      if (!depth.scrolled || depth.max <= depth.sent) continue;
      depth.sent = depth.max;
      const target = element === document.documentElement ? "document" : nameOf(element);
      const quartile = depth.max - (depth.max % 25);
      const { max, pixels, times } = depth;
      hub.track("Scroll Depth Reached", { target, quartile, max_depth: max, max_pixels: pixels, ...times });
    }
  }

  start();
  hub.views.onStart(() => requestAnimationFrame(start));
  hub.views.onReport(report);
}
