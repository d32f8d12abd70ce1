import { startCaptures } from "./capture/all";
import { contextOf as consentContext, decide, LOADING, type Decision, type Preferences } from "./consent/decision";
import { privacySignal, watch } from "./consent/sources";
import type { Hub, Properties } from "./hub";
import { createIdentities } from "./identity";
import { load, type TagSettings } from "./settings";
import { createViews, type View, type Views } from "./views";

declare const VERSION: string;

/** The parts of @segment/analytics-next that the plugin works with. */
interface Sdk {
  track(event: string, properties: Properties, options: Properties): Promise<unknown>;
  user(): { anonymousId(): string | null | undefined };
}
interface SdkContext {
  readonly event: { context?: Properties };
}

export interface PluginOptions {
  /** Where Headwater answers on this site, without a slash at the end: "https://shop.example/hw". */
  readonly base: string;
  readonly writeKey: string;
}

/**
 * The same capture, consent state and identity sync for pages that have Segment's SDK: a plugin for its `register`.
 * The SDK sends, keeps ids and calls `page`; captured events go through it like any other.
 */
export function headwaterCapture({ base, writeKey }: PluginOptions) {
  let settings: TagSettings = {};
  let decision: Decision = LOADING;
  let preferences: Preferences = null;
  let sdk: Sdk;
  let views: Views;
  let held: [string, Properties, View][] = [];
  const identities = createIdentities(base, () => sdk.user().anonymousId() ?? "");

  function send(event: string, properties: Properties, view: View): void {
    if (decision.treatment === "drop") return;
    if (decision.treatment === "hold") held.push([event, properties, view]);
    else void sdk.track(event, properties, { context: { page: { ...view.page }, page_view_id: view.id } });
  }

  function changed(): void {
    decision = decide(settings.consent, preferences, privacySignal());
    if (decision.treatment === "send" && settings.identity) identities.read(settings.identity);
    if (decision.forget) identities.forget();
    const waiting = held;
    held = [];
    for (const entry of waiting) send(...entry);
  }

  function enrich(context: SdkContext): SdkContext {
    const consent = consentContext(decision.preferences);
    const providers = identities.found();
    context.event.context = {
      page_view_id: views.current().id,
      ...(consent && { consent }),
      ...(providers && { providers }),
      ...context.event.context,
    };
    return context;
  }

  return {
    name: "Headwater Capture",
    type: "enrichment" as const,
    version: VERSION,
    isLoaded: () => !!sdk,
    async load(_: unknown, instance: Sdk): Promise<void> {
      sdk = instance;
      views = createViews(() => {});
      // The SDK waits for its plugins; capturing may begin later.
      void load(base, writeKey).then((loaded) => {
        settings = loaded ?? {};
        if (settings.consent) watch(settings.consent, report);
        changed();
        const { capture = {}, domains = [] } = settings;
        const track = (event: string, properties: Properties): void => send(event, properties, views.current());
        const hub: Hub = { settings: capture, domains, views, track };
        startCaptures(hub, capture);
      });
    },
    /** What the visitor granted, by category: for consent tools without a source of ours. */
    consent: (given: Preferences): void => report(given),
    track: enrich,
    page: enrich,
    identify: enrich,
    group: enrich,
    alias: enrich,
  };

  function report(given: Preferences): void {
    preferences = given;
    if (decision !== LOADING) changed();
  }
}
