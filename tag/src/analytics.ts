import { startCaptures } from "./capture/all";
import { contextOf as consentContext, decide, LOADING, type Preferences } from "./consent/decision";
import { privacySignal, watch } from "./consent/sources";
import { createDelivery } from "./delivery";
import { handOver, openToken, takeParameter } from "./handover";
import type { Properties } from "./hub";
import { createIdentities } from "./identity";
import { uuid } from "./ids";
import { contextOf, readCall, type Call, type Kind, type Message } from "./messages";
import { post } from "./requests";
import { load, type TagSettings } from "./settings";
import { localShelf } from "./storage";
import { createUser } from "./user";
import { createViews } from "./views";

declare const VERSION: string;

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
const DAY_MS = 86_400_000;
/** When the server last set the cookie. */
const COOKIE_SET = "hw_set";
/** After a navigation inside the page, frameworks still set the title; and the site may send a page event itself. */
const PAGE_DELAY_MS = 50;

type Listener = (...parameters: any[]) => void;

/** The analytics.js API, and behind it: the consent gate, the visitor, the queue and the captures. */
export function createAnalytics(base: string, writeKey: string) {
  // Before anything else reads the address.
  const handedOver = takeParameter();
  let debugging = false;
  const log = (...what: unknown[]): void => void (debugging && console.debug("headwater", ...what));
  const delivery = createDelivery(base, writeKey, log);
  const views = createViews((reason) => reason !== "next" && delivery.unload());
  const visitor = createUser((id) => void setServerCookie(id));
  const identities = createIdentities(base, visitor.anonymousId);
  const listeners: Record<string, Listener[]> = {};
  let settings: TagSettings = {};
  let decision = LOADING;
  let preferences: Preferences = null;
  let held: Message[] = [];
  /** Consent is there, but not yet everything that events wait for. */
  let opening = true;
  let handing = false;

  // ── from a call to the queue

  function tell(event: string, ...parameters: unknown[]): void {
    listeners[event]?.forEach((listener) => listener(...parameters));
  }

  function send(type: Kind, call: Call, fields: Properties): Promise<Message> {
    const { texts, values, options, callback } = call;
    const { context, integrations = {}, timestamp = new Date(), ...others } = options;
    const view = views.current();
    const automatic = contextOf(view.page, VERSION);
    const page = { ...view.page, ...(context?.page as object) };
    const message = {
      type,
      messageId: uuid(),
      timestamp,
      anonymousId: visitor.anonymousId(),
      userId: visitor.id() ?? undefined,
      integrations,
      ...fields,
      ...others,
      context: { ...automatic, ...context, page, page_view_id: view.id },
    } as Message;
    pass(message);
    tell(type, ...texts, values, options);
    callback?.(message);
    return Promise.resolve(message);
  }

  /** Every event goes through here, and nothing but the consent decision says whether it goes on. */
  function pass(message: Message): void {
    const { treatment, reason } = decision;
    log(treatment, reason, message);
    if (treatment === "drop") return;
    if (treatment === "hold" || opening) {
      held.push(message);
      return;
    }
    const { context } = message;
    context.consent ??= consentContext(decision.preferences);
    context.providers ??= identities.found();
    delivery.push(message);
  }

  /** Let held events go. Those that carry the temporary id get the id of the returning visitor. */
  function release(temporary?: string): void {
    const waiting = held;
    held = [];
    for (const message of waiting) {
      if (message.anonymousId === temporary) message.anonymousId = visitor.anonymousId();
      message.userId ??= visitor.id();
      pass(message);
    }
  }

  // ── the start, and consent

  function consent(given: Preferences): void {
    preferences = given;
    if (decision !== LOADING) consentChanged();
  }

  function consentChanged(): void {
    const before = decision;
    decision = decide(settings.consent, preferences, privacySignal());
    log("consent", decision);
    const { treatment, forget } = decision;
    if (forget || (before.treatment === "send" && treatment !== "send")) {
      visitor.forget();
      delivery.clear();
      identities.forget();
      localShelf.remove(COOKIE_SET);
    }
    if (treatment === "send") void begin();
    else {
      opening = false;
      release();
    }
  }

  /** Consent is there: store, read other ids, and let go what was held. */
  async function begin(): Promise<void> {
    const { cookie, domains, identity } = settings;
    const temporary = visitor.anonymousId();
    if (!visitor.persistent()) {
      visitor.persist(cookie?.domain, !!cookie?.server);
      delivery.persist();
      const id = visitor.anonymousId();
      if (cookie?.server && !(Date.now() - +localShelf.get(COOKIE_SET)! < DAY_MS)) void setServerCookie(id);
      if (identity) identities.read(identity);
      if (domains) await crossDomains(domains);
    }
    opening = false;
    release(temporary);
  }

  async function crossDomains(domains: readonly string[]): Promise<void> {
    opening = true;
    const id = handedOver && (await openToken(base, writeKey, handedOver));
    if (id && visitor.persistent()) visitor.anonymousId(id);
    if (!handing) handOver(base, writeKey, domains, visitor);
    handing = true;
  }

  async function setServerCookie(anonymousId: string): Promise<void> {
    const body = JSON.stringify({ writeKey, anonymousId, domain: visitor.domain() });
    const reply = await post(base + "/v1/id", body, true);
    // Without an answer the id stays in local storage, and the next page asks again.
    if (reply?.ok && visitor.persistent()) localShelf.set(COOKIE_SET, String(Date.now()));
  }

  async function start(wait: number): Promise<void> {
    const loaded = await load(base, writeKey);
    if (!loaded) {
      log("no settings, next try in ms:", wait);
      await new Promise((resolve) => setTimeout(resolve, wait));
      return start(Math.min(wait * 2, LONGEST_WAIT_MS));
    }
    settings = loaded;
    if (settings.consent) watch(settings.consent, consent);
    consentChanged();
    startCapture();
    tell("ready");
  }

  function startCapture(): void {
    const { capture = {}, domains = [] } = settings;
    const track = (event: string, properties: Properties): void =>
      void send("track", readCall([event, properties], 1), { event, properties });
    startCaptures({ settings: capture, domains, views, track }, capture);
    if (!capture.pages) return;
    const later = (): void => {
      const view = views.current();
      setTimeout(() => view === views.current() && !view.paged && page(), PAGE_DELAY_MS);
    };
    later();
    views.onStart(later);
  }

  // ── the public API

  function page(...parameters: unknown[]): Promise<Message> {
    const call = readCall(parameters, 2);
    const [first, second] = call.texts;
    const [category, name] = call.texts.length > 1 ? [first, second] : [undefined, first];
    const view = views.current();
    view.paged = true;
    view.page.title = document.title;
    return send("page", call, { name, category, properties: { ...view.page, name, category, ...call.values } });
  }

  // A task of its own: to evaluate the script is work enough for one.
  const loaded = new Promise((resolve) => setTimeout(resolve)).then(() => start(FIRST_WAIT_MS));

  return {
    page,
    /** What the visitor granted, by category; null takes the decision back. For consent tools without a source of ours. */
    consent,

    track(...parameters: unknown[]): Promise<Message> {
      const call = readCall(parameters, 1);
      return send("track", call, { event: call.texts[0], properties: call.values });
    },

    identify(...parameters: unknown[]): Promise<Message> {
      const call = readCall(parameters, 1);
      const [id] = call.texts;
      const known = visitor.id();
      // Traits belong to one person: another id starts afresh.
      if (id && known && known !== id) visitor.clear();
      if (id) visitor.id(id);
      return send("identify", call, { traits: visitor.traits({ ...visitor.traits(), ...call.values }) });
    },

    group(...parameters: unknown[]): unknown {
      if (!parameters.length) return { id: () => visitor.groupId(), traits: () => visitor.groupTraits() };
      const call = readCall(parameters, 1);
      const groupId = visitor.groupId(call.texts[0]);
      return send("group", call, { groupId, traits: visitor.groupTraits({ ...visitor.groupTraits(), ...call.values }) });
    },

    alias(...parameters: unknown[]): Promise<Message> {
      const call = readCall(parameters, 2);
      const [userId, from] = call.texts;
      return send("alias", call, { userId, previousId: from ?? visitor.id() ?? visitor.anonymousId() });
    },

    ready: (callback?: () => void): Promise<void> => loaded.then(callback),

    reset(): void {
      visitor.clear();
      visitor.anonymousId();
      tell("reset");
    },

    user: () => ({ id: visitor.id, anonymousId: visitor.anonymousId, traits: visitor.traits }),
    setAnonymousId: visitor.anonymousId,

    debug(on = true): void {
      debugging = on;
    },

    on(event: string, listener: Listener): void {
      (listeners[event] ??= []).push(listener);
    },
  };
}
