import { listen, type Hub, type Properties } from "../hub";
import { Session, type Player } from "./session";

const YOUTUBE = /^https:\/\/www\.youtube(-nocookie)?\.com\/embed\/([\w-]*)/;
const VIMEO = /^https:\/\/player\.vimeo\.com\/video\/(\d*)/;
/** YouTube tells positions, not seeks: a jump beyond this many seconds is one. */
const JUMP_SECONDS = 2;
const ENDED = 0;
const PLAYING = 1;
const PAUSED = 2;
const BUFFERING = 3;

type Message = Record<string, any>;

/** An embedded player, known by what it says in messages. */
interface Frame {
  readonly session: Session;
  take(message: Message): void;
}

interface Known {
  position: number;
  length: number | null;
  sound: number;
  details: Properties;
}

function frameOf(hub: Hub, element: HTMLIFrameElement, kind: string, id: string): [Session, Known] {
  const known: Known = { position: 0, length: null, sound: 100, details: {} };
  const player: Player = {
    kind,
    element,
    position: () => known.position,
    length: () => known.length || null,
    sound: () => known.sound,
    details: () => known.details,
    assetId: () => element.getAttribute("data-hw-media-asset-id") ?? id,
  };
  return [new Session(hub, player), known];
}

type Send = (message: object) => void;

/** YouTube's iframe API. The frame's address must carry `enablejsapi=1`. */
function youtube(hub: Hub, element: HTMLIFrameElement, id: string, send: Send): Frame {
  const [session, known] = frameOf(hub, element, "youtube", id);
  let seenAt = 0;
  let state = -1;
  send({ event: "listening", id, channel: "widget" });

  function moved(to: number): void {
    const now = performance.now();
    const expected = known.position + (state === PLAYING ? (now - seenAt) / 1_000 : 0);
    const jump = session.open && Math.abs(to - expected) > JUMP_SECONDS;
    if (jump) session.seekStart(to);
    known.position = to;
    seenAt = now;
    if (jump) session.seekEnd();
    if (state === PLAYING) session.time();
  }

  function changed(to: number): void {
    if (to === state) return;
    state = to;
    if (to === PLAYING) {
      session.play();
      session.moving();
    } else if (to === PAUSED) session.pause();
    else if (to === BUFFERING) session.waiting();
    else if (to === ENDED) session.ended();
  }

  return {
    session,
    take({ event, info }) {
      if (!/Delivery$/.test(event) || !info) return;
      if (info.duration) known.length = info.duration;
      if (info.volume !== undefined) known.sound = info.muted ? 0 : info.volume;
      if (info.playbackQuality) known.details = { quality: info.playbackQuality };
      if (info.currentTime !== undefined) moved(info.currentTime);
      if (info.playerState !== undefined) changed(info.playerState);
    },
  };
}

/** Vimeo's player messages. */
function vimeo(hub: Hub, element: HTMLIFrameElement, id: string, send: Send): Frame {
  const [session, known] = frameOf(hub, element, "vimeo", id);
  const acts: Record<string, () => void> = {
    play: () => session.play(),
    playing: () => session.moving(),
    pause: () => session.pause(),
    bufferstart: () => session.waiting(),
    bufferend: () => session.moving(),
    seeked: () => {
      session.seekStart(known.position);
      session.seekEnd();
    },
    timeupdate: () => {
      session.moving();
      session.time();
    },
    ended: () => session.ended(),
    error: () => session.interrupted("error"),
  };
  const subscribe = (): void => {
    for (const value of [...Object.keys(acts), "seeking", "volumechange"]) send({ method: "addEventListener", value });
  };
  subscribe();
  return {
    session,
    take({ event, data = {} }) {
      if (event === "ready") subscribe();
      // The new position comes with the start of a seek, so the old one must be told first.
      if (event === "seeking") session.seekStart(data.seconds);
      if (data.duration) known.length = data.duration;
      if (data.seconds !== undefined) known.position = data.seconds;
      if (data.volume !== undefined) known.sound = Math.round(data.volume * 100);
      // A pause at the very end belongs to the end.
      if (!(event === "pause" && data.percent === 1)) acts[event]?.();
    },
  };
}

/** YouTube and Vimeo players in frames. Only messages of the frame itself, from its own origin, count. */
export function frames(hub: Hub, sessions: Map<Element, Session>): void {
  const known = new Map<HTMLIFrameElement, Frame>();

  function attach(element: HTMLIFrameElement): void {
    const { src } = element;
    const [tube, , tubeId] = YOUTUBE.exec(src) ?? [];
    const [film, filmId] = VIMEO.exec(src) ?? [];
    if (!tube && !film) return;
    const send: Send = (message) => element.contentWindow?.postMessage(JSON.stringify(message), new URL(src).origin);
    sessions.get(element)?.exit();
    const frame = tube ? youtube(hub, element, tubeId!, send) : vimeo(hub, element, filmId!, send);
    known.set(element, frame);
    sessions.set(element, frame.session);
  }

  addEventListener("message", ({ source, origin, data }) => {
    for (const [element, frame] of known) {
      if (element.contentWindow !== source || new URL(element.src).origin !== origin) continue;
      try {
        const message: unknown = typeof data === "string" ? JSON.parse(data) : data;
        if (message) frame.take(message as Message);
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
