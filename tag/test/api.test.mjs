// The analytics.js API and the snippet: what is called before and after the script loads arrives as events.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, ready, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function visit(t, shop, path = "/") {
  const context = await browser.newContext();
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  await page.goto(shop.url + path);
  return page;
}

test("calls made before the script is there are kept, in order", async (t) => {
  const shop = await site({ pages: { "/": `{tag}<script>analytics.identify("u1",{plan:"free"});analytics.page("Shop","Home");analytics.track("Signed Up",{plan:"free"})</script>` } });
  await visit(t, shop);
  const seen = await shop.until((all) => all.length >= 3);
  assert.deepEqual(seen.map((e) => e.type), ["identify", "page", "track"]);
  const [identify, page, track] = seen;
  assert.deepEqual(identify.traits, { plan: "free" });
  assert.equal(page.name, "Home");
  assert.equal(page.category, "Shop");
  assert.equal(page.properties.url, shop.url + "/");
  assert.equal(track.event, "Signed Up");
  assert.equal(track.userId, "u1");
  assert.equal(new Set(seen.map((e) => e.anonymousId)).size, 1);
  assert.equal(track.context.library.name, "headwater.js");
  assert.equal(new Set(seen.map((e) => e.messageId)).size, 3);
});

test("user, group, alias, setAnonymousId, reset, on and ready do what analytics.js does", async (t) => {
  const shop = await site({ pages: { "/": "{tag}" } });
  const page = await visit(t, shop);
  await ready(page);
  const told = await page.evaluate(async () => {
    const heard = [];
    analytics.on("track", (event, properties) => heard.push([event, properties]));
    analytics.setAnonymousId("anon-1");
    analytics.identify("u1", { name: "Ann" });
    analytics.identify({ plan: "pro" });
    analytics.group("g1", { seats: 3 });
    analytics.track("Called Back", null, { context: { extra: 1 }, timestamp: "2026-01-02T03:04:05.000Z" }, () => heard.push("callback"));
    analytics.alias("u2");
    const before = { id: analytics.user().id(), anonymous: analytics.user().anonymousId(), traits: analytics.user().traits(), group: analytics.group().id() };
    analytics.reset();
    return { heard, before, after: { id: analytics.user().id(), anonymous: analytics.user().anonymousId() } };
  });
  assert.deepEqual(told.before, { id: "u1", anonymous: "anon-1", traits: { name: "Ann", plan: "pro" }, group: "g1" });
  assert.deepEqual(told.heard, [["Called Back", {}], "callback"]);
  assert.equal(told.after.id, null);
  assert.notEqual(told.after.anonymous, "anon-1");
  const seen = await shop.until((all) => all.length >= 5);
  const [first, second, group, track, alias] = seen;
  assert.deepEqual([first.traits, second.traits], [{ name: "Ann" }, { name: "Ann", plan: "pro" }]);
  assert.deepEqual([group.groupId, group.traits], ["g1", { seats: 3 }]);
  assert.equal(track.originalTimestamp, "2026-01-02T03:04:05.000Z");
  assert.equal(track.context.extra, 1);
  assert.deepEqual([alias.userId, alias.previousId], ["u2", "u1"]);
});

test("the SDK's usual script path carries the write key, and a page may use it unchanged", async (t) => {
  const shop = await site({ pages: { "/": `<script>analytics=window.analytics=[];analytics.push(["track","From The Path"])</script><script async src="/hw/analytics.js/v1/{key}/analytics.min.js"></script>` } });
  await visit(t, shop);
  await shop.named("From The Path");
});

test("one page event for the load, one for each navigation inside the page, and none for a change of the hash", async (t) => {
  const shop = await site({ tag: { capture: { pages: true } }, pages: { "/": "{tag}<title>One</title>", "/two": "{tag}" } });
  const page = await visit(t, shop);
  await ready(page);
  await shop.named("page", 1);
  await page.evaluate(() => { history.pushState({}, "", "/two?x=1"); document.title = "Two"; });
  await shop.named("page", 2);
  await page.evaluate(() => { location.hash = "a"; history.replaceState({}, "", "#b"); });
  await page.goBack(); await page.goBack();
  const pages = await shop.named("page", 3);
  assert.deepEqual(pages.map((e) => [e.properties.path, e.properties.title]), [["/", "One"], ["/two", "Two"], ["/", "Two"]]);
  assert.equal(pages[1].properties.referrer, shop.url + "/");
  assert.equal(new Set(pages.map((e) => e.context.page_view_id)).size, 3);
});

test("a page that sends its own page event gets no second one", async (t) => {
  const shop = await site({ tag: { capture: { pages: true } }, pages: { "/": "{tag}<script>analytics.page('Own')</script>" } });
  const page = await visit(t, shop);
  await ready(page);
  await page.waitForTimeout(200);
  await page.evaluate(() => analytics.track("Last"));
  await shop.named("Last");
  assert.equal((await shop.events()).filter((e) => e.type === "page").length, 1);
});

test("a strict policy for content and Trusted Types does not stand in the way", async (t) => {
  const policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'";
  const everything = { pages: true, scroll: true, attention: true, hover: true, mouse: true, clicks: true, forms: true, media: true, visibility: true, vitals: true };
  const shop = await site({
    tag: { capture: everything, domains: ["127.0.0.1"], cookie: { server: true } },
    headers: { "content-security-policy": policy },
    pages: { "/": `<script src="/hw/headwater.js" data-write-key="{key}"></script><a href="http://127.0.0.1/">x</a>` },
  });
  const context = await browser.newContext();
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(shop.url);
  await page.hover("a");
  await shop.named("page");
  assert.deepEqual(faults, []);
});
