import { onActivity } from "../activity";
import { closest, INTERACTIVE, nameOf } from "../elements";
import type { Hub } from "../hub";
import { listen } from "../page";

const IDLE_MS = 2_000;
const RAGE_CLICKS = 3;
const RAGE_MS = 1_000;
const RAGE_PIXELS = 30;
const DEAD_MS = 1_000;
const NAMES = 5;

interface Click {
  readonly x: number;
  readonly y: number;
  readonly time: number;
}

/** Whether the last clicks fell on one spot in quick succession. */
export function isRage(clicks: readonly Click[]): boolean {
  const last = clicks.slice(-RAGE_CLICKS);
  const first = last[0];
  return (
    last.length === RAGE_CLICKS &&
    last.every((c) => c.time - first!.time <= RAGE_MS && Math.hypot(c.x - first!.x, c.y - first!.y) <= RAGE_PIXELS)
  );
}

/** Call back when nothing happened in the page for a second after a click. */
function whenDead(dead: () => void): void {
  const url = location.href;
  const alive = (): void => {
    observer.disconnect();
    clearTimeout(timer);
    for (const type of SIGNS) removeEventListener(type, alive, true);
  };
  const observer = new MutationObserver(alive);
  const timer = setTimeout(() => {
    alive();
    if (location.href === url && !document.hidden) dead();
  }, DEAD_MS);
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  for (const type of SIGNS) addEventListener(type, alive, true);
}
const SIGNS = ["scroll", "input", "focusin", "submit", "play", "pause"];

/** `Mouse Movement Summarized`: distance, idle time, rage clicks, dead clicks and exit intent of a page view. */
export function mouse(hub: Hub): void {
  let last: Click | null;
  let distance = 0;
  let idle = 0;
  let rage = 0;
  let dead = 0;
  let exits = 0;
  let clicks: Click[] = [];
  let names = new Set<string>();

  function start(): void {
    distance = idle = rage = dead = exits = 0;
    last = null;
    clicks = [];
    names = new Set();
  }

  onActivity(({ pointermove }) => {
    if (!pointermove || (pointermove as PointerEvent).pointerType !== "mouse") return;
    const { clientX: x, clientY: y, timeStamp: time } = pointermove as PointerEvent;
    if (last) {
      distance += Math.hypot(x - last.x, y - last.y);
      if (time - last.time >= IDLE_MS) idle += time - last.time;
    }
    last = { x, y, time };
  });

  listen("click", (event) => {
    const target = closest(event, "*");
    if (!target || !event.isTrusted) return;
    clicks = [...clicks.slice(1 - RAGE_CLICKS), { x: event.clientX, y: event.clientY, time: event.timeStamp }];
    const view = hub.views.current();
    const acts = target.closest(INTERACTIVE);
    const remember = (): unknown => names.size < NAMES && names.add(nameOf(acts ?? target));
    if (isRage(clicks)) {
      rage++;
      clicks = [];
      remember();
    }
    if ((acts || getComputedStyle(target).cursor === "pointer") && !target.closest("input,select,textarea,label,video,audio")) {
      whenDead(() => {
        if (view !== hub.views.current()) return;
        dead++;
        remember();
      });
    }
  });

  document.documentElement.addEventListener("mouseleave", ({ clientY }) => {
    if (clientY <= 0) exits++;
  });

  start();
  hub.views.onStart(start);
  hub.views.onReport((reason) => {
    if (reason === "hidden" || !(distance || rage || dead || exits)) return;
    hub.track("Mouse Movement Summarized", {
      distance_px: Math.round(distance),
      idle_ms: Math.round(idle),
      rage_clicks: rage,
      dead_clicks: dead,
      exit_intents: exits,
      elements: [...names],
    });
  });
}
