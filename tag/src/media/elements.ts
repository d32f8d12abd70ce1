import { nameOf } from "../elements";
import type { Hub } from "../hub";
import { listen } from "../page";
import { createSession, SIGNALS, type Player, type Session } from "./session";

const playerOf = (element: HTMLMediaElement): Player => ({
  kind: "html5",
  element,
  get asset() {
    // Addresses of data and blobs say nothing and can be very long.
    const address = /^https?:[^?#]*/.exec(element.currentSrc);
    return element.getAttribute("data-hw-media-asset-id") ?? address?.[0] ?? nameOf(element);
  },
  get position() {
    return element.currentTime;
  },
  get length() {
    return isFinite(element.duration) ? element.duration : null;
  },
  get sound() {
    return element.muted ? 0 : Math.round(element.volume * 100);
  },
  get details() {
    const { videoHeight } = element as HTMLVideoElement;
    if (!videoHeight) return {};
    const droppedFrames = (element as HTMLVideoElement).getVideoPlaybackQuality?.().droppedVideoFrames;
    return { quality: videoHeight + "p", droppedFrames };
  },
  get busy() {
    return element.ended || element.seeking;
  },
});

/** <video> and <audio>, those that come later too: media events do not bubble, but they can be caught on the way down. */
export function html5(hub: Hub, sessions: Map<Element, Session>): void {
  for (const type of SIGNALS) {
    listen(type, ({ target }) => {
      if (!(target instanceof HTMLMediaElement)) return;
      let session = sessions.get(target);
      if (!session) sessions.set(target, (session = createSession(hub, playerOf(target))));
      session[type]();
    });
  }
}
