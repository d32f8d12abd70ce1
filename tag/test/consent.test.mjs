// Consent: before, after and against a decision, from every source.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, ready, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function visit(t, shop, prepare) {
  const context = await browser.newContext();
  t.after(async () => (await context.close(), await shop.close()));
  if (prepare) await context.addInitScript(prepare);
  const page = await context.newPage();
  await page.goto(shop.url);
  await ready(page);
  return page;
}

const PAGES = { "/": "{tag}" };
const stored = (page) => page.evaluate(() => ({ cookie: document.cookie, local: Object.keys(localStorage) }));
const nothing = { cookie: "", local: [] };
const withConsent = (consent) => ({ consent, cookie: { server: true }, identity: [{ vendor: "v", id: "i", from: "storage", key: "other" }] });

test("held: before a decision nothing is sent or stored; a yes lets everything go, with the state on each event", async (t) => {
  const shop = await site({ tag: withConsent({ source: "callback", required: ["analytics"] }), pages: PAGES });
  const page = await visit(t, shop);
  await page.evaluate(() => analytics.track("Before"));
  await page.waitForTimeout(500);
  assert.equal(shop.posts.length, 0);
  assert.deepEqual(await stored(page), nothing);
  await page.evaluate(() => analytics.consent({ analytics: true, ads: false }));
  const [seen] = await shop.named("Before");
  assert.deepEqual(seen.context.consent, { explicit: true, categoryPreferences: { analytics: true, ads: false }, optOut: { analytics: false, ads: true } });
  const { cookie, local } = await stored(page);
  assert.ok(local.includes("ajs_anonymous_id"));
  assert.ok(cookie.includes("ajs_anonymous_id=" + seen.anonymousId));
});

test("dropped: what happens before a decision is never sent", async (t) => {
  const shop = await site({ tag: withConsent({ source: "callback", required: ["analytics"], before: "drop" }), pages: PAGES });
  const page = await visit(t, shop);
  await page.evaluate(() => { analytics.track("Before"); analytics.consent({ analytics: true }); analytics.track("After"); });
  const seen = await shop.until((all) => all.some((e) => e.event === "After"));
  assert.deepEqual(seen.map((e) => e.event), ["After"]);
});

test("cookieless: events go with an id that is gone with the page, and nothing is stored", async (t) => {
  const shop = await site({ tag: withConsent({ source: "callback", required: ["analytics"], before: "cookieless", refused: "cookieless" }), pages: PAGES });
  const page = await visit(t, shop);
  await page.evaluate(() => analytics.track("First"));
  await shop.named("First");
  assert.deepEqual(await stored(page), nothing);
  await page.reload();
  await ready(page);
  await page.evaluate(() => { analytics.consent({ analytics: false }); analytics.track("Second"); });
  const seen = await shop.until((all) => all.length >= 2);
  assert.notEqual(seen[0].anonymousId, seen[1].anonymousId);
  assert.equal(seen[1].context.consent.optOut.analytics, true);
  assert.deepEqual(await stored(page), nothing);
  assert.ok(!shop.asked.includes("/hw/v1/id"), "no cookie was asked of the server");
});

test("withdrawn: ids and the queue are cleared, and nothing more is sent", async (t) => {
  const shop = await site({ tag: withConsent({ source: "callback", required: ["analytics"] }), pages: PAGES });
  const page = await visit(t, shop);
  await page.evaluate(() => { analytics.consent({ analytics: true }); analytics.identify("u1", { email: "a@b.test" }); });
  await shop.named("identify");
  await page.context().setOffline(true);
  await page.evaluate(() => { analytics.track("Queued"); analytics.consent({ analytics: false }); analytics.track("Refused"); });
  assert.deepEqual(await stored(page), nothing);
  await page.context().setOffline(false);
  await page.waitForTimeout(700);
  assert.deepEqual((await shop.events()).map((e) => e.type), ["identify"]);
  assert.equal(await page.evaluate(() => analytics.user().id()), null);
});

test("a returning visitor keeps the stored id although the first events were held", async (t) => {
  const shop = await site({ tag: withConsent({ source: "callback", required: ["analytics"] }), pages: PAGES });
  const page = await visit(t, shop);
  await page.evaluate(() => { analytics.consent({ analytics: true }); analytics.track("One"); });
  const [one] = await shop.named("One");
  await page.reload();
  await ready(page);
  await page.evaluate(() => { analytics.track("Two"); analytics.consent({ analytics: true }); });
  const [two] = await shop.named("Two");
  assert.equal(two.anonymousId, one.anonymousId);
});

test("IAB TCF: waits for the visitor's action, reads purposes, follows a change", async (t) => {
  const shop = await site({ tag: withConsent({ source: "tcf", required: ["1", "8"] }), pages: PAGES });
  const page = await visit(t, shop, () => {
    const listeners = [];
    window.__tcfapi = (command, version, callback) => {
      if (command !== "addEventListener" || version !== 2) return;
      listeners.push(callback);
      callback({ eventStatus: "cmpuishown", gdprApplies: true, purpose: { consents: {} } }, true);
    };
    window.decideTcf = (consents) => listeners.forEach((callback) => callback({ eventStatus: "useractioncomplete", gdprApplies: true, purpose: { consents } }, true));
  });
  await page.evaluate(() => analytics.track("Shown"));
  await page.waitForTimeout(400);
  assert.equal(shop.posts.length, 0);
  await page.evaluate(() => decideTcf({ 1: true, 3: false, 8: true }));
  const [seen] = await shop.named("Shown");
  assert.deepEqual(seen.context.consent.categoryPreferences, { 1: true, 3: false, 8: true });
  await page.evaluate(() => decideTcf({ 1: true, 8: false }));
  assert.deepEqual(await stored(page), nothing);
});

test("IAB TCF: where the law does not apply, events go", async (t) => {
  const shop = await site({ tag: withConsent({ source: "tcf", required: ["1"] }), pages: PAGES });
  const page = await visit(t, shop, () => {
    window.__tcfapi = (_command, _version, callback) => callback({ eventStatus: "tcloaded", gdprApplies: false }, true);
  });
  await page.evaluate(() => analytics.track("Elsewhere"));
  await shop.named("Elsewhere");
});

test("Global Privacy Control is a refusal, alone and against a banner's yes", async (t) => {
  for (const consent of [{ source: "gpc" }, { source: "callback", required: ["a"], gpc: true }]) {
    const shop = await site({ tag: withConsent(consent), pages: PAGES });
    const page = await visit(t, shop, () => Object.defineProperty(navigator, "globalPrivacyControl", { value: true }));
    await page.evaluate(() => { analytics.consent({ a: true, gpc: true }); analytics.track("Private"); });
    await page.waitForTimeout(400);
    assert.equal(shop.posts.length, 0);
    assert.deepEqual(await stored(page), nothing);
  }
});

test("Google consent mode: a denying default is no decision, an update is", async (t) => {
  const shop = await site({ tag: withConsent({ source: "google", required: ["analytics_storage"] }), pages: PAGES });
  const page = await visit(t, shop, () => {
    window.dataLayer = [];
    window.gtag = function () { dataLayer.push(arguments); };
    gtag("consent", "default", { analytics_storage: "denied", ad_storage: "denied", wait_for_update: 500 });
    gtag("consent", "default", { analytics_storage: "granted", region: ["US"] });
  });
  await page.evaluate(() => analytics.track("Asked"));
  await page.waitForTimeout(400);
  assert.equal(shop.posts.length, 0);
  await page.evaluate(() => gtag("consent", "update", { analytics_storage: "granted" }));
  const [seen] = await shop.named("Asked");
  assert.deepEqual(seen.context.consent.categoryPreferences, { analytics_storage: true, ad_storage: false });
});

test("OneTrust and Cookiebot: the categories of their objects, after the banner was answered", async (t) => {
  const one = await site({ tag: withConsent({ source: "onetrust", required: ["C0002"] }), pages: PAGES });
  const page = await visit(t, one, () => {
    let closed = false;
    window.OnetrustActiveGroups = ",C0001,";
    window.OneTrust = { IsAlertBoxClosed: () => closed };
    window.answer = (groups) => { closed = true; window.OnetrustActiveGroups = groups; dispatchEvent(new CustomEvent("OneTrustGroupsUpdated", { detail: groups.split(",") })); };
  });
  await page.evaluate(() => analytics.track("Trusted"));
  await page.waitForTimeout(400);
  assert.equal(one.posts.length, 0);
  await page.evaluate(() => answer(",C0001,C0002,"));
  const [seen] = await one.named("Trusted");
  assert.deepEqual(seen.context.consent.categoryPreferences, { C0001: true, C0002: true });

  const bot = await site({ tag: withConsent({ source: "cookiebot", required: ["statistics"] }), pages: PAGES });
  const second = await visit(t, bot, () => {
    window.Cookiebot = { hasResponse: false, consent: { necessary: true, preferences: false, statistics: false, marketing: false } };
  });
  await second.evaluate(() => { analytics.track("Botted"); Cookiebot.hasResponse = true; Cookiebot.consent.statistics = true; dispatchEvent(new Event("CookiebotOnAccept")); });
  const [botted] = await bot.named("Botted");
  assert.deepEqual(botted.context.consent.categoryPreferences, { necessary: true, preferences: false, statistics: true, marketing: false });
});
