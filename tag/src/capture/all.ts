import type { Hub } from "../hub";
import type { CaptureSettings } from "../settings";
import { attention } from "./attention";
import { clicks } from "./clicks";
import { forms } from "./forms";
import { hover } from "./hover";
import { media } from "./media";
import { mouse } from "./mouse";
import { scroll } from "./scroll";
import { visibility } from "./visibility";
import { vitals } from "./vitals";

const CAPTURES = { scroll, attention, hover, mouse, clicks, forms, media, visibility, vitals } as const;

/** Start what the settings switch on. */
export function startCaptures(hub: Hub, settings: CaptureSettings): void {
  for (const name in CAPTURES) {
    if (settings[name as keyof typeof CAPTURES]) CAPTURES[name as keyof typeof CAPTURES](hub);
  }
}
