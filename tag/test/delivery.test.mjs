// The queue: nothing is lost or doubled when the page, the network or the server goes away.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, ready, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function visit(t, shop) {
  const context = await browser.newContext();
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  await page.goto(shop.url);
  await ready(page);
  return page;
}

const PAGES = { "/": "{tag}<a href='/two'>two</a>", "/two": "{tag}two" };
const names = (all) => all.map((e) => e.event);
const queued = (page) => page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("hw_q:")).length);

test("an event tracked on a click that leaves the page arrives", async (t) => {
  const shop = await site({ pages: PAGES });
  const page = await visit(t, shop);
  await page.evaluate(() => document.querySelector("a").addEventListener("click", () => analytics.track("Left")));
  await page.click("a");
  await shop.named("Left");
});

test("closing the tab in the middle loses nothing", async (t) => {
  const shop = await site({ pages: PAGES });
  const page = await visit(t, shop);
  await page.evaluate(() => { for (let i = 0; i < 30; i++) analytics.track("Step " + i); });
  await page.close({ runBeforeUnload: true });
  const seen = await shop.until((all) => all.length >= 30);
  assert.equal(new Set(names(seen)).size, 30);
});

test("more than 64 KB at the end: what may outlive the page goes at once, the rest goes later, each once", async (t) => {
  const shop = await site({ pages: PAGES });
  const page = await visit(t, shop);
  await page.evaluate(() => {
    for (let i = 0; i < 12; i++) analytics.track("Big " + i, { text: "x".repeat(9_000) });
    Object.defineProperty(document, "hidden", { get: () => true });
    document.dispatchEvent(new Event("visibilitychange"));
    document.querySelector("a").click();
  });
  const seen = await shop.until((all) => all.length >= 12);
  assert.ok(shop.posts[0].length > 40_000 && shop.posts[0].length <= 65_536, "the first request fits the browser's limit");
  await page.waitForTimeout(700);
  assert.equal((await shop.events()).length, 12);
  assert.deepEqual(new Set(names(seen)), new Set(Array.from({ length: 12 }, (_, i) => "Big " + i)));
});

test("offline events wait in storage, survive a reload, and arrive in order when the network is back", async (t) => {
  const shop = await site({ pages: PAGES });
  const page = await visit(t, shop);
  const context = page.context();
  await context.setOffline(true);
  await page.evaluate(() => { analytics.track("One"); analytics.track("Two"); });
  await page.waitForTimeout(400);
  assert.equal(shop.posts.length, 0);
  assert.equal(await queued(page), 2);
  await page.close();
  await context.setOffline(false);
  const next = await context.newPage();
  await next.goto(shop.url + "/two");
  await ready(next);
  await next.evaluate(() => analytics.track("Three"));
  const seen = await shop.until((all) => all.length >= 3);
  assert.deepEqual(names(seen), ["One", "Two", "Three"]);
  await next.waitForFunction(() => !Object.keys(localStorage).some((key) => key.startsWith("hw_q:")));
});

test("back online in the same page, the queue goes at once", async (t) => {
  const shop = await site({ pages: PAGES });
  const page = await visit(t, shop);
  await page.context().setOffline(true);
  await page.evaluate(() => analytics.track("Waited"));
  await page.waitForTimeout(400);
  await page.context().setOffline(false);
  await shop.named("Waited");
});

test("the server is down and comes up: tries grow apart, events arrive once and in order", async (t) => {
  const shop = await site({ pages: PAGES });
  const page = await visit(t, shop);
  shop.fault = "down";
  await page.evaluate(() => { analytics.track("A"); analytics.track("B"); });
  await page.waitForTimeout(2_500);
  assert.ok(shop.posts.length >= 2 && shop.posts.length <= 5, `${shop.posts.length} tries in 2.5 s`);
  await page.evaluate(() => analytics.track("C"));
  shop.fault = null;
  const seen = await shop.until((all) => all.length >= 3);
  assert.deepEqual(names(seen), ["A", "B", "C"]);
});

test("Retry-After is kept to", async (t) => {
  const shop = await site({ pages: PAGES });
  const page = await visit(t, shop);
  shop.fault = { status: 503, headers: { "retry-after": "2" } };
  await page.evaluate(() => analytics.track("Patient"));
  await page.waitForTimeout(1_500);
  assert.equal(shop.posts.length, 1);
  shop.fault = null;
  await shop.named("Patient");
});

test("a refusal is final, and a request that is too large is halved", async (t) => {
  const shop = await site({ pages: PAGES });
  const page = await visit(t, shop);
  shop.fault = { status: 400, headers: {} };
  await page.evaluate(() => analytics.track("Refused"));
  await page.waitForTimeout(600);
  assert.equal(shop.posts.length, 1);
  assert.equal(await queued(page), 0);
  shop.fault = (body) => (JSON.parse(body).batch.length > 1 ? { status: 413, headers: {} } : null);
  shop.posts.length = 0;
  await page.evaluate(() => { for (let i = 0; i < 4; i++) analytics.track("Half " + i); });
  const seen = await shop.until((all) => all.length >= 4);
  assert.deepEqual(names(seen), ["Half 0", "Half 1", "Half 2", "Half 3"]);
  assert.deepEqual(shop.posts.map((body) => JSON.parse(body).batch.length).slice(0, 3), [4, 2, 1]);
});

test("two tabs share one queue, and each event is sent once", async (t) => {
  const shop = await site({ pages: PAGES });
  const page = await visit(t, shop);
  const other = await page.context().newPage();
  await other.goto(shop.url + "/two");
  await ready(other);
  shop.fault = { status: 503, headers: { "retry-after": "1" } };
  await Promise.all([page, other].map((tab, n) => tab.evaluate((n) => { for (let i = 0; i < 5; i++) analytics.track(`Tab ${n} ${i}`); }, n)));
  await page.waitForTimeout(600);
  shop.fault = null;
  shop.posts.length = 0;
  await shop.until((all) => all.length >= 10);
  await page.waitForTimeout(1_500);
  const sent = shop.posts.flatMap((body) => JSON.parse(body).batch.map((event) => event.messageId));
  assert.equal(new Set(sent).size, 10);
  assert.equal((await shop.events()).length, 10);
});

test("settings that cannot be loaded hold events until they can", async (t) => {
  const shop = await site({ pages: { "/": "{tag}" } });
  const context = await browser.newContext();
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  await page.route("**/settings", (route) => route.abort());
  await page.goto(shop.url);
  await page.waitForFunction(() => window.analytics.initialized);
  await page.evaluate(() => analytics.track("Early"));
  await page.waitForTimeout(300);
  await page.unroute("**/settings");
  await shop.named("Early");
});
