import type { Hub } from "../hub";
import { html5 } from "../media/elements";
import { frames } from "../media/frames";
import type { Session } from "../media/session";

const NAVIGATION_MS = 500;

/** Video and audio by the tracking specification: HTML5 elements, YouTube and Vimeo frames. */
export function media(hub: Hub): void {
  const sessions = new Map<Element, Session>();
  html5(hub, sessions);
  frames(hub, sessions);
  const exit = (all: boolean): void => {
    for (const [element, session] of sessions) {
      if (!all && element.isConnected) continue;
      session.exit();
      sessions.delete(element);
    }
  };
  hub.views.onReport((reason) => {
    if (reason === "leave") exit(true);
    // A player may go on through a navigation inside the page; what is gone a moment later does not.
    if (reason === "next") setTimeout(() => exit(false), NAVIGATION_MS);
  });
}
