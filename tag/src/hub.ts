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

/** Listen on the document before anybody can stop the event, without holding up scrolling. */
export function listen<K extends keyof DocumentEventMap>(type: K, listener: (event: DocumentEventMap[K]) => void): void {
  document.addEventListener(type, listener, { capture: true, passive: true });
}

/** Whether a host is this one or belongs to one of the owner's domains. */
export const isOwn = (host: string, domains: readonly string[]): boolean =>
  host === location.hostname || domains.some((domain) => host === domain || host.endsWith("." + domain));
