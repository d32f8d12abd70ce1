import type { ConsentSettings, ConsentSource } from "../settings";
import type { Preferences } from "./decision";

type Report = (preferences: Preferences) => void;
type Source = (report: Report, required: readonly string[]) => void;
type Callable = (...parameters: unknown[]) => void;
interface Tcf {
  eventStatus?: string;
  gdprApplies?: boolean;
  purpose?: { consents?: Record<string, boolean> };
}
const page = window as unknown as Record<string, any>;

const from = (names: readonly string[], granted: (name: string) => boolean): Preferences =>
  Object.fromEntries(names.map((name) => [name, granted(name)]));

const POLL_MS = 100;
const POLLS = 100;

/** Wait until a consent tool that loads by itself has arrived; after ten seconds there is none and no decision. */
function whenPresent(find: () => unknown, then: () => void, polls = POLLS): void {
  if (find()) then();
  else if (polls) setTimeout(() => whenPresent(find, then, polls - 1), POLL_MS);
}

/** IAB Transparency and Consent Framework, version 2: purposes by number. */
const tcf: Source = (report, required) =>
  whenPresent(
    () => page.__tcfapi,
    () =>
      (page.__tcfapi as Callable)("addEventListener", 2, (data: Tcf | null, ok: boolean) => {
        if (!ok || !data) return;
        if (data.gdprApplies === false) report(from(required, () => true));
        else if (/^(tcloaded|useractioncomplete)$/.test(data.eventStatus!)) report({ ...data.purpose?.consents });
        else report(null);
      }),
  );

/**
 * Google consent mode: `consent` commands on the data layer. A default that denies is not a decision of the visitor;
 * defaults for single regions are passed over, since a page cannot know where it is read.
 */
const google: Source = (report) => {
  const layer: ArrayLike<unknown>[] = (page.dataLayer ??= []);
  const state: Record<string, boolean> = {};
  let updated = false;
  const take = (entry: ArrayLike<unknown>): void => {
    const values = entry?.[2] as Record<string, unknown> | undefined;
    if (entry?.[0] !== "consent" || !values || values.region) return;
    updated ||= entry[1] === "update";
    for (const name in values) if (/granted|denied/.test(values[name] as string)) state[name] = values[name] === "granted";
    report(updated || Object.values(state).every(Boolean) ? { ...state } : null);
  };
  layer.forEach(take);
  const push = layer.push;
  layer.push = function (...entries) {
    const size = push.apply(layer, entries);
    entries.forEach(take);
    return size;
  };
};

const onetrust: Source = (report, required) => {
  const read = (): void => {
    if (!page.OneTrust?.IsAlertBoxClosed?.()) return report(null);
    const active = String(page.OnetrustActiveGroups).split(",").filter(Boolean);
    report(from([...required, ...active], (group) => active.includes(group)));
  };
  addEventListener("OneTrustGroupsUpdated", read);
  whenPresent(() => page.OneTrust && page.OnetrustActiveGroups, read);
};

const cookiebot: Source = (report) => {
  const read = (): void => {
    const { consent, hasResponse } = page.Cookiebot ?? {};
    report(hasResponse ? from(["necessary", "preferences", "statistics", "marketing"], (name) => !!consent[name]) : null);
  };
  for (const name of ["ConsentReady", "Accept", "Decline"]) addEventListener("CookiebotOn" + name, read);
  whenPresent(() => page.Cookiebot?.consent, read);
};

/** Whether the browser sends the Global Privacy Control signal. */
export const privacySignal = (): boolean => !!(navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl;

const gpc: Source = (report, required) => report(from(["gpc", ...required], () => !privacySignal()));

const SOURCES: Partial<Record<ConsentSource, Source>> = { tcf, google, onetrust, cookiebot, gpc };

/** Follow a consent tool. `report` gets the preferences each time that they change, null while nothing is decided. */
export function watch(settings: ConsentSettings, report: Report): void {
  SOURCES[settings.source]?.(report, settings.required ?? []);
}
