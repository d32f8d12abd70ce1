import { nameOf } from "../elements";
import { listen, type Hub } from "../hub";
import { Session, type Player } from "./session";

function playerOf(element: HTMLMediaElement): Player {
  return {
    kind: "html5",
    element,
    position: () => element.currentTime,
    length: () => (Number.isFinite(element.duration) ? element.duration : null),
    sound: () => (element.muted ? 0 : Math.round(element.volume * 100)),
    details: () => {
      if (!(element instanceof HTMLVideoElement) || !element.videoHeight) return {};
      const droppedFrames = element.getVideoPlaybackQuality?.().droppedVideoFrames;
      return { quality: element.videoHeight + "p", droppedFrames };
    },
    // Addresses of data and blobs say nothing and can be very long.
    assetId: () =>
      element.getAttribute("data-hw-media-asset-id") ??
      (/^https?:/.test(element.currentSrc) ? element.currentSrc.split(/[?#]/)[0]! : nameOf(element)),
  };
}

/** <video> and <audio>, those that come later too: media events do not bubble, but they can be caught on the way down. */
export function html5(hub: Hub, sessions: Map<Element, Session>): void {
  const on = (type: keyof DocumentEventMap, act: (session: Session, element: HTMLMediaElement) => void): void =>
    listen(type, ({ target }) => {
      if (!(target instanceof HTMLMediaElement)) return;
      let session = sessions.get(target);
      if (!session) sessions.set(target, (session = new Session(hub, playerOf(target))));
      act(session, target);
    });
  on("play", (session) => session.play());
  on("playing", (session) => session.moving());
  // A player that came to its end or that is being moved pauses as well; neither is the visitor's pause.
  on("pause", (session, element) => element.ended || element.seeking || session.pause());
  on("seeking", (session, element) => session.seekStart(element.currentTime));
  on("seeked", (session) => session.seekEnd());
  on("waiting", (session) => session.waiting());
  on("timeupdate", (session) => session.time());
  on("ended", (session) => session.ended());
  on("error", (session) => session.interrupted("error"));
  on("resize", (session) => session.quality());
}
