// Ids: of other vendors, in the server's cookie, and from one of the owner's domains to another.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, ready, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch("--host-resolver-rules=MAP shop.test 127.0.0.1")));
after(() => browser.close());

async function context(t, ...shops) {
  const made = await browser.newContext();
  t.after(async () => (await made.close(), await Promise.all(shops.map((shop) => shop.close()))));
  return made;
}

test("ids from a cookie, a parameter, local storage, a fetch and a match pixel stand on each event", async (t) => {
  const identity = [
    { vendor: "google", id: "client", from: "cookie", key: "_ga" },
    { vendor: "mail", id: "recipient", from: "query", key: "rid", ttl_seconds: 3600 },
    { vendor: "chat", id: "visitor", from: "storage", key: "chat", path: "user.id" },
    { vendor: "partner", id: "uid", from: "fetch", key: "/partner.json", path: "data.uid", ttl_seconds: 2 },
    { vendor: "ads", id: "cookie_id", from: "pixel", key: "/ads.gif?back={match}&us={anonymousId}" },
    { vendor: "none", id: "x", from: "cookie", key: "absent" },
  ];
  let fetched = 0;
  const shop = await site({ tag: { identity }, pages: { "/": "<!doctype html>{tag}", "/partner.json": () => (fetched++, '{"data":{"uid":77}}') } });
  const made = await context(t, shop);
  await made.addCookies([{ name: "_ga", value: "GA1.1.12.34", url: shop.url }]);
  await made.addInitScript(() => localStorage.setItem("chat", '{"user":{"id":"c-9"}}'));
  const page = await made.newPage();
  // The vendor's server: sends the browser back with its id.
  let told = "";
  await page.route("**/ads.gif*", (route) => {
    const { searchParams } = new URL(route.request().url());
    told = searchParams.get("us");
    return route.fulfill({ status: 302, headers: { location: searchParams.get("back") + "ad-555" } });
  });
  await page.goto(shop.url + "/?rid=r-1");
  await ready(page);
  await page.waitForTimeout(600);
  await page.evaluate(() => analytics.track("Known"));
  const [known] = await shop.named("Known");
  const wanted = { google: { client: "GA1.1.12.34" }, mail: { recipient: "r-1" }, chat: { visitor: "c-9" }, partner: { uid: "77" }, ads: { cookie_id: "ad-555" } };
  assert.deepEqual(known.context.providers, wanted);
  assert.equal(told, known.anonymousId);
  // On the next page what has a time to live is still there, and nobody is asked again until it runs out.
  await page.goto(shop.url);
  await ready(page);
  await page.evaluate(() => analytics.track("Again"));
  assert.deepEqual((await shop.named("Again"))[0].context.providers, wanted);
  assert.equal(fetched, 1);
  await page.waitForTimeout(1_500);
  await page.reload();
  await page.waitForTimeout(600);
  assert.equal(fetched, 2);
});

test("the server sets the id's cookie for 13 months; the script leaves it alone and reads it on the next page", async (t) => {
  const shop = await site({ tag: { cookie: { server: true } }, pages: { "/": "<!doctype html>{tag}" } });
  const made = await context(t, shop);
  const page = await made.newPage();
  await page.goto(shop.url);
  await ready(page);
  await page.evaluate(() => analytics.track("One"));
  const [one] = await shop.named("One");
  await page.waitForFunction(() => document.cookie.includes("ajs_anonymous_id"));
  const [cookie] = (await made.cookies()).filter((c) => c.name === "ajs_anonymous_id");
  assert.equal(cookie.value, one.anonymousId);
  assert.deepEqual([cookie.sameSite, cookie.httpOnly, cookie.secure], ["Lax", false, false]);
  const months = (cookie.expires - Date.now() / 1_000) / 86_400 / 30.4;
  assert.ok(months > 12.9 && months < 13.1, String(months));
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await ready(page);
  await page.evaluate(() => analytics.track("Two"));
  assert.equal((await shop.named("Two"))[0].anonymousId, one.anonymousId);
});

async function twoDomains(t) {
  const to = await site({ tag: { domains: ["localhost", "127.0.0.1", "shop.test"] }, pages: { "/": "<!doctype html>{tag}there" } });
  const from = await site({ key: to.key, pages: { "/": `<!doctype html>{tag}<a id="own" href="http://shop.test:${to.port}/?a=1#h">own</a> <a id="foreign" href="http://other.test/">other</a>` } });
  const made = await context(t, to, from);
  const page = await made.newPage();
  await page.goto(from.url);
  await ready(page);
  return { to, from, made, page };
}

test("a link to another own domain hands the id over; the address shows no trace of it", async (t) => {
  const { to, page } = await twoDomains(t);
  const id = await page.evaluate(() => analytics.user().anonymousId());
  await page.hover("#own");
  await page.waitForTimeout(1_000);
  await page.click("#own");
  await page.waitForURL(`http://shop.test:${to.port}/**`);
  await ready(page);
  assert.equal(page.url(), `http://shop.test:${to.port}/?a=1#h`);
  await page.evaluate(() => analytics.track("Arrived"));
  const [arrived] = await to.named("Arrived");
  assert.equal(arrived.anonymousId, id);
  assert.equal(arrived.context.page.url, `http://shop.test:${to.port}/?a=1`);
});

test("a link that another browser follows, a forged one and a foreign link hand nothing over", async (t) => {
  const { to, from, page } = await twoDomains(t);
  const id = await page.evaluate(() => analytics.user().anonymousId());
  await page.hover("#own");
  await page.waitForTimeout(1_000);
  const [copied] = await page.evaluate(() => {
    const links = [];
    addEventListener("click", (event) => { event.preventDefault(); links.push(event.target.href); });
    document.querySelector("#own").click();
    document.querySelector("#foreign").click();
    return links;
  });
  assert.match(copied, /hw_id=/);
  assert.equal(await page.getAttribute("#foreign", "href"), "http://other.test/");
  assert.ok(!(await page.getAttribute("#own", "href")).includes("hw_id"), "the page's own link is as before");
  const stranger = await browser.newContext({ userAgent: "Somebody Else/1.0" });
  t.after(() => stranger.close());
  for (const address of [copied, copied.replace(/hw_id=./, "hw_id=X")]) {
    const other = await stranger.newPage();
    await other.goto(address);
    await ready(other);
    assert.notEqual(await other.evaluate(() => analytics.user().anonymousId()), id);
    assert.ok(!other.url().includes("hw_id"));
  }
  assert.ok(from.asked.includes("/hw/v1/link"));
});
