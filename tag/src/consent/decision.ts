import type { ConsentSettings } from "../settings";

/** What the visitor granted, by category. Null while there is no decision. */
export type Preferences = Readonly<Record<string, boolean>> | null;

export type Treatment = "send" | "hold" | "drop" | "cookieless";

/** How events are treated, and why. */
export interface Decision {
  readonly treatment: Treatment;
  readonly reason: string;
  /** The visitor said no: what is stored must go. */
  readonly forget: boolean;
  readonly preferences: Preferences;
}

export const LOADING: Decision = { treatment: "hold", reason: "loading", forget: false, preferences: null };

/** Pure: settings, preferences and the browser's Global Privacy Control to a decision. */
export function decide(settings: ConsentSettings | undefined, preferences: Preferences, signal: boolean): Decision {
  const decision = (treatment: Treatment, reason: string, forget = false): Decision => ({ treatment, reason, forget, preferences });
  if (!settings) return decision("send", "none needed");
  const refused = settings.refused ?? "drop";
  if (signal && (settings.gpc || settings.source === "gpc")) return decision(refused, "gpc", true);
  if (!preferences) return decision(settings.before ?? "hold", "undecided");
  const missing = (settings.required ?? []).find((category) => !preferences[category]);
  return missing ? decision(refused, `refused: ${missing}`, true) : decision("send", "granted");
}

/** The state on each event: category preferences (Segment) and refused codes (MetaRouter), side by side. */
export function contextOf(preferences: Preferences): object | undefined {
  if (!preferences) return undefined;
  const optOut: Record<string, boolean> = {};
  for (const category in preferences) optOut[category] = !preferences[category];
  return { explicit: true, categoryPreferences: preferences, optOut };
}
