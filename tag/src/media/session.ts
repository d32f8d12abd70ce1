import { uuid } from "../ids";
import type { Hub, Properties } from "../hub";

const HEARTBEAT_MS = 10_000;

/** What a player tells about itself at any moment. */
export interface Player {
  readonly kind: string;
  readonly element: Element;
  /** Seconds. */
  position(): number;
  /** Seconds; null for a live stream or while unknown. */
  length(): number | null;
  /** 0 to 100. */
  sound(): number;
  details(): Properties;
  assetId(): string;
}

const seconds = (value: number | null): number | null => value && Math.round(value * 10) / 10;

/** Attributes `data-hw-media-*` or `data-hw-ad-*` of a player as properties: `data-hw-media-asset-id` is asset_id. */
function marked(element: Element, prefix: string): Properties {
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
export class Session {
  private id = "";
  private askedAt = 0;
  private started = false;
  private paused = false;
  private buffering = false;
  private seeking = false;
  private beat = 0;
  private quarter = 0;
  private last = 0;

  constructor(
    private readonly hub: Hub,
    private readonly player: Player,
  ) {}

  get open(): boolean {
    return !!this.id;
  }

  /** Asked to play. */
  play(): void {
    if (!this.id) {
      this.id = uuid();
      this.askedAt = performance.now();
      this.started = this.paused = this.buffering = this.seeking = false;
      this.quarter = 0;
      this.playback("Started");
    } else if (this.paused && !this.seeking) {
      this.paused = false;
      this.playback("Resumed");
      this.playing({});
    }
  }

  /** The picture moves. */
  moving(): void {
    if (!this.id) this.play();
    if (this.buffering) {
      this.buffering = false;
      this.playback("Buffer Completed");
    }
    if (this.started) return;
    this.started = true;
    this.beat = performance.now();
    this.quarter = this.quarterNow();
    this.content("Started", {});
    const startupTime = Math.round(performance.now() - this.askedAt);
    this.hub.track("Video Quality Updated", { session_id: this.id, startupTime, ...this.player.details() });
  }

  pause(): void {
    if (!this.id || this.paused || this.seeking) return;
    this.paused = true;
    this.playback("Paused");
  }

  seekStart(to: number): void {
    if (!this.id || this.seeking) return;
    this.seeking = true;
    this.hub.track("Video Playback Seek Started", { ...this.common(this.last), seek_position: seconds(to) });
  }

  seekEnd(): void {
    if (!this.seeking) return;
    this.seeking = false;
    this.last = this.player.position();
    this.quarter = this.quarterNow();
    this.playback("Seek Completed");
  }

  waiting(): void {
    if (!this.started || this.buffering || this.seeking || this.paused) return;
    this.buffering = true;
    this.playback("Buffer Started");
  }

  /** The position moved on by playing. */
  time(): void {
    if (!this.started || this.seeking || this.paused) return;
    this.last = this.player.position();
    const quarter = this.quarterNow();
    if (quarter > this.quarter && quarter < 4) {
      this.quarter = quarter;
      this.playing({ quartile: quarter });
    } else if (performance.now() - this.beat >= HEARTBEAT_MS) this.playing({});
  }

  ended(): void {
    if (!this.id) return;
    this.content("Completed", {});
    this.playback("Completed");
    this.id = "";
    this.started = false;
  }

  interrupted(method: string): void {
    if (this.id) this.hub.track("Video Playback Interrupted", { ...this.common(), method });
  }

  quality(): void {
    if (this.started && this.id) this.hub.track("Video Quality Updated", { session_id: this.id, ...this.player.details() });
  }

  /** The page or the player goes away. */
  exit(): void {
    if (!this.id) return;
    this.playback("Exited");
    this.id = "";
    this.started = false;
  }

  private quarterNow(): number {
    const length = this.player.length();
    return length ? Math.floor((this.player.position() / length) * 4) : 0;
  }

  private playing(more: Properties): void {
    this.beat = performance.now();
    this.content("Playing", more);
  }

  private playback(what: string): void {
    const id = this.player.assetId();
    const asset = what === "Started" ? { content_asset_ids: [id] } : { content_asset_id: id };
    this.hub.track("Video Playback " + what, { ...this.common(), ...asset });
  }

  private content(what: string, more: Properties): void {
    const { element } = this.player;
    const { session_id, position, total_length } = this.common();
    const ad = marked(element, "data-hw-ad-");
    const content = { asset_id: this.player.assetId(), ...marked(element, "data-hw-media-") };
    const playing = ad.type ? { ...ad, content } : content;
    const event = `Video ${ad.type ? "Ad" : "Content"} ${what}`;
    this.hub.track(event, { session_id, position, total_length, ...this.player.details(), ...playing, ...more });
  }

  private common(position = this.player.position()): Properties {
    const { element, kind } = this.player;
    const ad = marked(element, "data-hw-ad-");
    const length = this.player.length();
    return {
      session_id: this.id,
      position: seconds(position),
      total_length: seconds(length),
      livestream: length === null,
      video_player: kind,
      sound: this.player.sound(),
      full_screen: !!document.fullscreenElement?.contains(element),
      ad_enabled: !!ad.type,
      ...(!!ad.type && { ad_type: ad.type, ad_asset_id: ad.asset_id, ad_pod_id: ad.pod_id }),
      ...this.player.details(),
    };
  }
}
