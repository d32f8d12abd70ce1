import type { Hub } from "../hub";
import { listen } from "../page";
import { now } from "../moments";
import { createSession, type Player, type Session, type SIGNALS } from "./session";

const YOUTUBE = /^https:\/\/www\.youtube(?:-nocookie)?\.com\/embed\/([\w-]*)/;
const VIMEO = /^https:\/\/player\.vimeo\.com\/video\/(\d*)/;
/** YouTube tells positions, not seeks: a jump beyond this many seconds is one. */
const JUMP_SECONDS = 2;
/** YouTube's player states as signals. */
const STATES = ["ended", "playing", "pause", "waiting"] as const;
const PLAYING = 1;
/** Vimeo's events are named like those of HTML media, except these. */
const VIMEO_SIGNALS: Record<string, Signal> = { bufferstart: "waiting", bufferend: "playing" };
const VIMEO_EVENTS = ["play", "playing", "pause", "seeking", "seeked", "bufferstart", "bufferend", "timeupdate", "ended", "error", "volumechange"];

type Signal = (typeof SIGNALS)[number];
type Message = Record<string, any>;
/** A player whose state is what its messages said last. */
type Known = { -readonly [field in keyof Player]: Player[field] };
type Adapter = (session: Session, known: Known, send: (message: object) => void) => (message: Message) => void;

/** YouTube's iframe API. The frame's address must carry `enablejsapi=1`. */
const youtube: Adapter = (session, known, send) => {
  let seenAt = 0;
  let state = -1;
  send({ event: "listening", id: known.asset, channel: "widget" });

  function moved(to: number): void {
    const expected = known.position + (state === PLAYING ? (now() - seenAt) / 1_000 : 0);
    known.position = to;
    seenAt = now();
    if (Math.abs(to - expected) > JUMP_SECONDS) {
      session.seeking();
      session.seeked();
    }
    if (state === PLAYING) session.timeupdate();
  }

  return ({ event, info }) => {
    if (!/Delivery$/.test(event) || !info) return;
    const { currentTime, duration, muted, playbackQuality, playerState = state, volume } = info;
    if (duration) known.length = duration;
    if (volume != null) known.sound = muted ? 0 : volume;
    if (playbackQuality) known.details = { quality: playbackQuality };
    if (currentTime != null) moved(currentTime);
    if (playerState === state) return;
    state = playerState;
    if (state === PLAYING) session.play();
    const signal = STATES[state];
    if (signal) session[signal]();
  };
};

/** Vimeo's player messages. */
const vimeo: Adapter = (session, known, send) => {
  const subscribe = (): void => VIMEO_EVENTS.forEach((value) => send({ method: "addEventListener", value }));
  subscribe();
  return ({ event, data = {} }) => {
    if (event === "ready") subscribe();
    const { duration, percent, seconds, volume } = data;
    if (duration) known.length = duration;
    if (seconds != null) known.position = seconds;
    if (volume != null) known.sound = Math.round(volume * 100);
    known.busy = percent === 1;
    if (event === "seeked") session.seeking();
    if (event === "timeupdate") session.playing();
    session[VIMEO_SIGNALS[event] ?? (event as Signal)]?.();
  };
};

/** YouTube and Vimeo players in frames. Only messages of the frame itself, from its own origin, count. */
export function frames(hub: Hub, sessions: Map<Element, Session>): void {
  const takers = new Map<HTMLIFrameElement, (message: Message) => void>();

  function attach(element: HTMLIFrameElement): void {
    const tube = YOUTUBE.exec(element.src);
    const id = (tube ?? VIMEO.exec(element.src))?.[1];
    if (id === undefined) return;
    sessions.get(element)?.exit();
    const asset = element.getAttribute("data-hw-media-asset-id") ?? id;
    const known: Known = { kind: tube ? "youtube" : "vimeo", element, asset, position: 0, length: null, sound: 100, details: {} };
    const session = createSession(hub, known);
    const { origin } = new URL(element.src);
    const send = (message: object): void => element.contentWindow?.postMessage(JSON.stringify(message), origin);
    sessions.set(element, session);
    takers.set(element, (tube ? youtube : vimeo)(session, known, send));
  }

  addEventListener("message", ({ source, origin, data }) => {
    for (const [element, take] of takers) {
      if (element.contentWindow !== source || new URL(element.src).origin !== origin) continue;
      try {
        take(typeof data === "string" ? JSON.parse(data) : data);
      } catch {
        // Not a message of the player's protocol.
      }
    }
  });
  listen("load", ({ target }) => {
    if (target instanceof HTMLIFrameElement) attach(target);
  });
  document.querySelectorAll("iframe").forEach(attach);
}
