import type { CaptureSettings } from "./settings";
import type { Views } from "./views";

export type Properties = Record<string, unknown>;

/** What a capture needs: settings, the page views, and a way to say what happened. */
export interface Hub {
  readonly settings: CaptureSettings;
  readonly domains: readonly string[];
  readonly views: Views;
  /** A track event of the current page view. */
  track(event: string, properties: Properties): void;
}
