import type { Hub, Properties } from "../hub";
import { uuid } from "../ids";
import { now } from "../moments";

const HEARTBEAT_MS = 10_000;

/** What a player tells about itself at this moment. */
export interface Player {
  readonly kind: string;
  readonly element: Element;
  readonly asset: string;
  /** Seconds. */
  readonly position: number;
  /** Seconds; null for a live stream or while unknown. */
  readonly length: number | null;
  /** 0 to 100. */
  readonly sound: number;
  /** Picture quality, as far as the player tells it. */
  readonly details: Properties;
  /** At its end or being moved: then a pause is not the visitor's. */
  readonly busy?: boolean;
}

/** What happens to a player, by the names of HTML media events. */
export const SIGNALS = ["play", "playing", "pause", "seeking", "seeked", "waiting", "timeupdate", "ended", "error", "resize"] as const;
export type Session = Record<(typeof SIGNALS)[number], () => void> & {
  readonly isOpen: () => boolean;
  /** The page or the player goes away. */
  readonly exit: () => void;
};

const seconds = (value: number | null): number | null => value && Math.round(value * 10) / 10;

/** Attributes `data-hw-media-*` or `data-hw-ad-*` of a player as properties: `data-hw-media-asset-id` is asset_id. */
function marked({ element }: Player, prefix: string): Properties {
  const properties: Properties = {};
  for (const { name, value } of element.attributes) {
    if (name.startsWith(prefix)) properties[name.slice(prefix.length).replace(/-/g, "_")] = value;
  }
  return properties;
}

/**
 * One player from the first play to its end, as events of the tracking specification. Players call it with what happens;
 * it decides which events that makes. A player that carries `data-hw-ad-type` shows an ad.
 */
export function createSession(hub: Hub, player: Player): Session {
  let id = "";
  let askedAt = 0;
  let started = false;
  let paused = false;
  let buffering = false;
  let moving = false;
  let beat = 0;
  let quarter = 0;
  let last = 0;
  /** What was played up to this position is told. */
  let told = 0;

  const quarterNow = (): number => (player.length ? Math.floor((player.position / player.length) * 4) : 0);

  function moment(): Properties {
    const { position, length, details } = player;
    const watched = seconds((moving ? last : position) - told)!;
    told += watched; // what rounding leaves over is told the next time
    return { session_id: id, position: seconds(position), total_length: seconds(length), watched, ...details };
  }

  function playback(what: string, more?: Properties): void {
    const { kind, element, asset, length, sound } = player;
    const ad = marked(player, "data-hw-ad-");
    hub.track("Video Playback " + what, {
      ...moment(),
      ...(what === "Started" ? { content_asset_ids: [asset] } : { content_asset_id: asset }),
      livestream: length === null,
      video_player: kind,
      sound,
      full_screen: !!document.fullscreenElement?.contains(element),
      ad_enabled: !!ad.type,
      ...(!!ad.type && { ad_type: ad.type, ad_asset_id: ad.asset_id, ad_pod_id: ad.pod_id }),
      ...more,
    });
  }

  function content(what: string, more?: Properties): void {
    const ad = marked(player, "data-hw-ad-");
    const shown = { asset_id: player.asset, ...marked(player, "data-hw-media-") };
    hub.track(`Video ${ad.type ? "Ad" : "Content"} ${what}`, {
      ...moment(),
      ...(ad.type ? { ...ad, content: shown } : shown),
      ...more,
    });
  }

  function heartbeat(more?: Properties): void {
    beat = now();
    content("Playing", more);
  }

  function resize(more?: Properties): void {
    if (started) hub.track("Video Quality Updated", { ...moment(), ...more });
  }

  function end(what: string): void {
    playback(what);
    id = "";
    started = false;
  }

  function play(): void {
    if (!id) {
      id = uuid();
      askedAt = now();
      paused = buffering = moving = false;
      told = player.position;
      playback("Started");
    } else if (paused && !moving) {
      paused = false;
      playback("Resumed");
      heartbeat();
    }
  }

  return {
    isOpen: () => !!id,
    play,
    resize: () => resize(),

    playing() {
      if (!id) play();
      if (buffering) {
        buffering = false;
        playback("Buffer Completed");
      }
      if (started) return;
      started = true;
      beat = now();
      quarter = quarterNow();
      content("Started");
      resize({ startupTime: beat - askedAt });
    },

    pause() {
      if (!id || paused || moving || player.busy) return;
      paused = true;
      playback("Paused");
    },

    /** The player's position is already the new one. */
    seeking() {
      if (!id || moving) return;
      moving = true;
      playback("Seek Started", { position: seconds(last), seek_position: seconds(player.position) });
    },

    seeked() {
      if (!moving) return;
      moving = false;
      told = last = player.position;
      quarter = quarterNow();
      playback("Seek Completed");
    },

    waiting() {
      if (!started || buffering || moving || paused) return;
      buffering = true;
      playback("Buffer Started");
    },

    timeupdate() {
      if (!started || moving || paused) return;
      last = player.position;
      const reached = quarterNow();
      if (reached > quarter && reached < 4) {
        quarter = reached;
        heartbeat({ quartile: reached });
      } else if (now() - beat >= HEARTBEAT_MS) heartbeat();
    },

    ended() {
      if (!id) return;
      content("Completed");
      end("Completed");
    },

    error() {
      if (id) playback("Interrupted", { method: "error" });
    },

    exit() {
      if (id) end("Exited");
    },
  };
}
