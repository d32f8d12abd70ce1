import { contextOf as consentContext, decide, LOADING, type Decision, type Preferences } from "./consent/decision";
import { privacySignal, watch } from "./consent/sources";
import { startCaptures } from "./capture/all";
import { Delivery } from "./delivery";
import { handOver, openToken, takeParameter } from "./handover";
import type { Hub, Properties } from "./hub";
import { Identities } from "./identity";
import { uuid } from "./ids";
import { contextOf, readCall, type Call, type Kind, type Message } from "./messages";
import { load, type TagSettings } from "./settings";
import { LocalShelf } from "./storage";
import { User } from "./user";
import { Views, type View } from "./views";

declare const VERSION: string;

const LONGEST_WAIT_MS = 60_000;
const DAY_MS = 86_400_000;
/** When the server last set the cookie. */
const COOKIE_SET = "hw_cookie_set";
/** After a navigation inside the page, frameworks still set the title; and the site may send a page event itself. */
const PAGE_DELAY_MS = 50;

type Listener = (...parameters: any[]) => void;

/** The analytics.js API, and behind it: the consent gate, the visitor, the queue and the captures. */
export class Analytics {
  private readonly handedOver = takeParameter();
  private readonly views = new Views((reason) => reason !== "next" && this.delivery.unload());
  private readonly visitor = new User((id) => void this.setServerCookie(id));
  private readonly delivery: Delivery;
  private readonly identities: Identities;
  private settings: TagSettings = {};
  private decision: Decision = LOADING;
  private preferences: Preferences = null;
  private held: [Message, View][] = [];
  private listeners: Record<string, Listener[]> = {};
  private readonly shelf = new LocalShelf();
  private debugging = false;
  private handing = false;
  private opening = true;
  private readonly loaded: Promise<void>;

  constructor(
    private readonly base: string,
    private readonly writeKey: string,
  ) {
    const log = (...what: unknown[]): void => this.log(...what);
    this.delivery = new Delivery(base, writeKey, log);
    this.identities = new Identities(base, () => this.visitor.anonymousId());
    this.loaded = this.start(500);
  }

  // ── the public API

  track = (...parameters: unknown[]): Promise<Message> => {
    const call = readCall(parameters, 1);
    return this.send("track", call, { event: call.texts[0], properties: call.values });
  };

  page = (...parameters: unknown[]): Promise<Message> => {
    const call = readCall(parameters, 2);
    const name = call.texts[1] ?? call.texts[0];
    const category = call.texts.length > 1 ? call.texts[0] : undefined;
    const { current } = this.views;
    current.paged = true;
    current.page.title = document.title;
    const properties = { ...current.page, name, category, ...call.values };
    return this.send("page", call, { name, category, properties });
  };

  identify = (...parameters: unknown[]): Promise<Message> => {
    const call = readCall(parameters, 1);
    const [id] = call.texts;
    // Traits belong to one person: another id starts afresh.
    if (id && this.visitor.id() && this.visitor.id() !== id) this.visitor.clear();
    if (id) this.visitor.id(id);
    const traits = this.visitor.traits({ ...this.visitor.traits(), ...call.values });
    return this.send("identify", call, { traits });
  };

  group = (...parameters: unknown[]): unknown => {
    if (!parameters.length) return { id: () => this.visitor.groupId(), traits: () => this.visitor.groupTraits() };
    const call = readCall(parameters, 1);
    const [id] = call.texts;
    if (id) this.visitor.groupId(id);
    const traits = this.visitor.groupTraits({ ...this.visitor.groupTraits(), ...call.values });
    return this.send("group", call, { groupId: this.visitor.groupId(), traits });
  };

  alias = (...parameters: unknown[]): Promise<Message> => {
    const call = readCall(parameters, 2);
    const [to, from] = call.texts;
    const previousId = from ?? this.visitor.id() ?? this.visitor.anonymousId();
    return this.send("alias", call, { userId: to, previousId });
  };

  ready = (callback?: () => void): Promise<void> => this.loaded.then(() => callback?.());

  reset = (): void => {
    this.visitor.clear();
    this.visitor.anonymousId();
    this.tell("reset");
  };

  user = () => {
    const { visitor } = this;
    return {
      id: (id?: string | null) => visitor.id(id),
      anonymousId: (id?: string | null) => visitor.anonymousId(id),
      traits: (traits?: Properties) => visitor.traits(traits),
    };
  };

  setAnonymousId = (id?: string | null): string => this.visitor.anonymousId(id);

  debug = (on = true): void => {
    this.debugging = on;
  };

  on = (event: string, listener: Listener): void => {
    (this.listeners[event] ??= []).push(listener);
  };

  once = (event: string, listener: Listener): void => {
    const both = (...parameters: unknown[]): void => {
      this.off(event, both);
      listener(...parameters);
    };
    this.on(event, both);
  };

  off = (event: string, listener: Listener): void => {
    this.listeners[event] = this.listeners[event]?.filter((known) => known !== listener) ?? [];
  };

  /** What the visitor granted, by category; null takes the decision back. For consent tools without a source of ours. */
  consent = (preferences: Preferences): void => {
    this.preferences = preferences;
    if (this.decision !== LOADING) this.consentChanged();
  };

  // ── from a call to the queue

  private async send(type: Kind, call: Call, fields: Properties): Promise<Message> {
    const message = this.message(type, call, fields, this.views.current);
    this.pass(message, this.views.current);
    this.tell(type, ...call.texts, call.values, call.options);
    call.callback?.(message);
    return message;
  }

  private message(type: Kind, { options }: Call, fields: Properties, view: View): Message {
    const { context, integrations, timestamp, ...others } = options;
    const automatic = contextOf(view.page, VERSION);
    return {
      type,
      messageId: uuid(),
      timestamp: timestamp ?? new Date().toISOString(),
      anonymousId: this.visitor.anonymousId(),
      userId: this.visitor.id() ?? undefined,
      integrations: integrations ?? {},
      ...fields,
      ...others,
      context: {
        ...automatic,
        ...context,
        page: { ...(automatic.page as object), ...(context?.page as object) },
        page_view_id: view.id,
      },
    } as Message;
  }

  /** Every event goes through here, and nothing but the consent decision says whether it goes on. */
  private pass(message: Message, view: View): void {
    const { treatment, reason, preferences } = this.decision;
    this.log(treatment, message, reason);
    if (treatment === "drop") return;
    if (treatment === "hold" || this.opening) {
      this.held.push([message, view]);
      return;
    }
    const { found } = this.identities;
    const consent = consentContext(preferences);
    if (consent) message.context.consent ??= consent;
    if (Object.keys(found).length) message.context.providers ??= found;
    this.delivery.push(message);
  }

  private tell(event: string, ...parameters: unknown[]): void {
    for (const listener of this.listeners[event] ?? []) listener(...parameters);
  }

  private log(...what: unknown[]): void {
    if (this.debugging) console.debug("[headwater]", ...what);
  }

  // ── the start, and consent

  private async start(wait: number): Promise<void> {
    const settings = await load(this.base, this.writeKey);
    if (!settings) {
      this.log("no settings; events are held, next try in", wait);
      await new Promise((resolve) => setTimeout(resolve, wait));
      return this.start(Math.min(wait * 2, LONGEST_WAIT_MS));
    }
    this.settings = settings;
    if (settings.consent) watch(settings.consent, this.consentReported);
    this.consentChanged();
    this.startCapture();
    this.tell("ready");
  }

  private readonly consentReported = (preferences: Preferences): void => this.consent(preferences);

  private consentChanged(): void {
    const before = this.decision;
    this.decision = decide(this.settings.consent, this.preferences, privacySignal());
    const { treatment, forget } = this.decision;
    this.log("consent", this.decision);
    if (forget || (before.treatment === "send" && treatment !== "send")) this.forget();
    if (treatment === "send") void this.begin();
    else {
      this.opening = treatment === "hold";
      this.release();
    }
  }

  private forget(): void {
    this.visitor.forget();
    this.delivery.clear();
    this.identities.forget();
    this.shelf.remove(COOKIE_SET);
  }

  /** Consent is there: store, read other ids, and let go what was held. */
  private async begin(): Promise<void> {
    const { cookie, domains, identity } = this.settings;
    const { visitor } = this;
    const temporary = visitor.anonymousId();
    if (!visitor.persistent) {
      visitor.persist(cookie?.domain, !!cookie?.server);
      this.delivery.persist();
      if (cookie?.server && !(Date.now() - Number(this.shelf.get(COOKIE_SET)) < DAY_MS)) {
        void this.setServerCookie(visitor.anonymousId());
      }
      if (identity) this.identities.read(identity);
      if (domains) await this.crossDomains(domains);
    }
    this.opening = false;
    this.release(temporary);
  }

  private async crossDomains(domains: readonly string[]): Promise<void> {
    const { base, writeKey, visitor } = this;
    const id = this.handedOver && (await openToken(base, writeKey, this.handedOver));
    if (id && visitor.persistent) visitor.anonymousId(id);
    if (this.handing) return;
    this.handing = true;
    handOver(base, writeKey, domains, visitor);
  }

  /** Let held events go. Those that carry the temporary id get the id of the returning visitor. */
  private release(temporary?: string): void {
    const held = this.held;
    this.held = [];
    for (const [message, view] of held) {
      if (message.anonymousId === temporary) message.anonymousId = this.visitor.anonymousId();
      message.userId ??= this.visitor.id();
      this.pass(message, view);
    }
  }

  private async setServerCookie(anonymousId: string): Promise<void> {
    const domain = this.visitor.cookieDomain;
    const headers = { "Content-Type": "text/plain" };
    const body = JSON.stringify({ writeKey: this.writeKey, anonymousId, domain });
    try {
      const reply = await fetch(this.base + "/v1/id", { method: "POST", body, headers, keepalive: true });
      if (reply.ok && this.visitor.persistent) this.shelf.set(COOKIE_SET, String(Date.now()));
    } catch {
      // The id stays in local storage; the next page asks again.
    }
  }

  private startCapture(): void {
    const { capture = {}, domains = [] } = this.settings;
    const { views } = this;
    const hub: Hub = {
      settings: capture,
      domains,
      views,
      track: (event, properties) => void this.send("track", readCall([event, properties], 1), { event, properties }),
    };
    startCaptures(hub, capture);
    if (!capture.pages) return;
    const page = (): void => {
      const view = views.current;
      setTimeout(() => view === views.current && !view.paged && this.page(), PAGE_DELAY_MS);
    };
    page();
    views.onStart(page);
  }
}
