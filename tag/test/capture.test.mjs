// In-page capture by real input: wheel, mouse, keyboard and time, with the right numbers in the log.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, ready, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function visit(t, capture, html, more = {}) {
  const shop = await site({ tag: { capture, ...more }, pages: { "/": html, "/next": "{tag}next" } });
  const context = await browser.newContext({ viewport: { width: 800, height: 600 } });
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  await page.goto(shop.url);
  await ready(page);
  return { shop, page };
}

const near = (value, wanted, give = 250) => assert.ok(Math.abs(value - wanted) <= give, `${value} is not within ${give} of ${wanted}`);
/** Whether the tab counts as hidden: headless tabs are never really in the background. */
const setHidden = (page, hidden) => page.evaluate((hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (hidden ? "hidden" : "visible") });
  document.dispatchEvent(new Event("visibilitychange"));
}, hidden);
const TALL = "{tag}<style>body{margin:0}</style><div style='height:3000px'>tall</div>";

test("scrolling by wheel: quartiles, the greatest depth and the times, once, when the page is left", async (t) => {
  const { shop, page } = await visit(t, { scroll: true }, TALL);
  await page.waitForTimeout(300);
  await page.mouse.move(400, 300);
  await page.mouse.wheel(0, 1_000);
  await page.waitForFunction(() => scrollY === 1_000);
  await page.waitForTimeout(800);
  await page.mouse.wheel(0, 700);
  await page.waitForFunction(() => scrollY === 1_700);
  await page.waitForTimeout(600);
  await page.mouse.wheel(0, -1_700);
  await page.waitForFunction(() => scrollY === 0);
  await page.goto(shop.url + "/next");
  const [{ properties, context }] = await shop.named("Scroll Depth Reached");
  // The lower edge came to 1700 + 600 of 3000 pixels.
  assert.equal(properties.max_depth, 76);
  assert.equal(properties.quartile, 75);
  assert.equal(properties.target, "document");
  assert.ok(properties.time_to_25 >= 300 && properties.time_to_25 <= properties.time_to_50);
  assert.ok(properties.time_to_75 - properties.time_to_50 >= 500, JSON.stringify(properties));
  assert.equal(properties.time_to_100, undefined);
  assert.equal(context.page.path, "/");
  await page.waitForTimeout(400);
  assert.equal((await shop.named("Scroll Depth Reached")).length, 1);
});

test("a marked container has a depth of its own; a page that is not scrolled sends none", async (t) => {
  const { shop, page } = await visit(t, { scroll: true }, "{tag}<style>body{margin:0}</style><div data-hw-scroll data-hw-name='terms' style='height:200px;overflow:auto'><div style='height:800px'>x</div></div>");
  await page.mouse.move(100, 100);
  await page.mouse.wheel(0, 200);
  await page.waitForFunction(() => document.querySelector("[data-hw-scroll]").scrollTop === 200);
  await page.waitForTimeout(100);
  await page.goto(shop.url + "/next");
  await page.waitForTimeout(600);
  const seen = await shop.named("Scroll Depth Reached");
  assert.deepEqual(seen.map(({ properties: p }) => [p.target, p.max_depth, p.quartile]), [["terms", 50, 50]]);
});

test("a navigation inside the page ends the view's measures and starts new ones", async (t) => {
  const { shop, page } = await visit(t, { scroll: true, pages: true }, TALL);
  await page.mouse.move(400, 300);
  await page.mouse.wheel(0, 2_400);
  await page.waitForFunction(() => scrollY === 2_400);
  await page.waitForTimeout(600);
  await page.evaluate(() => { scrollTo(0, 0); history.pushState({}, "", "/second"); });
  await page.waitForTimeout(200);
  await page.mouse.wheel(0, 300);
  await page.waitForFunction(() => scrollY === 300);
  await page.waitForTimeout(100);
  await page.evaluate(() => history.pushState({}, "", "/third"));
  const seen = await shop.named("Scroll Depth Reached", 2);
  assert.deepEqual(seen.map((e) => [e.context.page.path, e.properties.max_depth]), [["/", 100], ["/second", 30]]);
  assert.notEqual(seen[0].context.page_view_id, seen[1].context.page_view_id);
});

test("back from the back/forward cache is a new view, and what the first had was sent once", async (t) => {
  const { shop, page } = await visit(t, { scroll: true, pages: true }, TALL + "<a href='/next' style='position:fixed;top:0'>next</a>");
  await page.mouse.move(400, 300);
  await page.mouse.wheel(0, 2_400);
  await page.waitForFunction(() => scrollY === 2_400);
  await page.evaluate(() => addEventListener("pageshow", (event) => (window.wasKept = event.persisted)));
  await page.click("a");
  await page.waitForURL("**/next");
  await page.waitForTimeout(300);
  await page.goBack({ waitUntil: "commit" });
  await page.waitForTimeout(500);
  assert.equal(await page.evaluate(() => window.wasKept), true, "the tag must not keep the page out of the cache");
  const pages = await shop.named("page", 3);
  assert.deepEqual(pages.map((e) => e.properties.path), ["/", "/next", "/"]);
  assert.equal(new Set(pages.map((e) => e.context.page_view_id)).size, 3);
  assert.equal((await shop.named("Scroll Depth Reached")).length, 1);
});

test("attention: visible time stops while the tab is hidden, active time ends five seconds after a sign of life", async (t) => {
  const { shop, page } = await visit(t, { attention: true, visibility: true }, TALL);
  await page.mouse.move(10, 10);
  await page.mouse.move(20, 20);
  await page.waitForTimeout(1_000);
  await setHidden(page, true);
  await page.waitForTimeout(1_000);
  await setHidden(page, false);
  await page.waitForTimeout(800);
  await page.goto(shop.url + "/next");
  const [first, second] = (await shop.named("Page Attention Measured", 2)).map((e) => e.properties);
  near(first.visible_ms, 1_050);
  near(first.active_ms, 1_000);
  near(second.visible_ms, 850);
  assert.equal(second.active_ms, 0);
  assert.equal(second.total_visible_ms, first.visible_ms + second.visible_ms);
  const [hidden, shown] = (await shop.named("Page Visibility Changed", 2)).map((e) => e.properties);
  assert.equal(hidden.visible, false);
  near(shown.hidden_ms, 1_000);
});

test("hovering: a second on a link counts, a passing mouse does not", async (t) => {
  const { shop, page } = await visit(t, { hover: true }, "{tag}<style>body{margin:0}a,b{display:block;height:60px}</style><a id='buy' href='#'>Buy now</a><a id='skip' href='#'>x</a><b data-hw-hover data-hw-name='price'>9</b><p style='height:200px'>plain</p>");
  await page.mouse.move(50, 30);
  await page.waitForTimeout(1_000);
  await page.mouse.move(50, 90);
  await page.waitForTimeout(100);
  await page.mouse.move(50, 150);
  await page.waitForTimeout(700);
  await page.mouse.move(50, 300);
  const seen = await shop.named("Element Hovered", 2);
  assert.deepEqual(seen.map((e) => e.properties.element), ["buy", "price"]);
  assert.equal(seen[0].properties.element_text, "Buy now");
  near(seen[0].properties.dwell_ms, 1_000, 300);
  near(seen[1].properties.dwell_ms, 700, 300);
});

test("the mouse: distance, idle time, rage clicks, dead clicks and the way out at the top", async (t) => {
  const { shop, page } = await visit(t, { mouse: true }, "{tag}<style>body{margin:0}button{position:absolute;width:100px;height:50px}</style><button id='dead' style='top:0'>Dead</button><button id='live' style='top:100px' onclick='this.textContent=Date.now()'>Live</button>");
  await page.mouse.move(200, 300);
  for (let i = 1; i <= 6; i++) { await page.mouse.move(200 + i * 50, 300); await page.waitForTimeout(100); }
  await page.waitForTimeout(2_200);
  await page.mouse.move(500, 400);
  await page.waitForTimeout(500);
  await page.mouse.move(50, 25);
  await page.mouse.click(50, 25);
  await page.waitForTimeout(1_200);
  await page.mouse.click(50, 125, { clickCount: 3, delay: 10 });
  await page.waitForTimeout(1_200);
  await page.mouse.move(60, 3);
  await page.mouse.move(60, -5);
  await page.evaluate(() => history.pushState({}, "", "/left"));
  const [{ properties: p }] = await shop.named("Mouse Movement Summarized");
  // 300 to the right, 100 down, then to the button (about 586) and down a row (100).
  assert.ok(p.distance_px >= 750 && p.distance_px <= 1_300, String(p.distance_px));
  near(p.idle_ms, 2_400, 600);
  assert.equal(p.dead_clicks, 1);
  assert.equal(p.rage_clicks, 1);
  assert.equal(p.exit_intents, 1);
  assert.deepEqual(p.elements, ["dead", "live"]);
});

test("clicks on links, downloads and outbound links, without personal data in addresses", async (t) => {
  const links = "<a id='in' href='/next?x=1'>In</a> <a id='pdf' href='/files/price%20list.pdf'>List</a> <a id='out' href='https://user:secret@other.test/path'>Out</a> <a id='own' href='https://www.own.test/'>Own</a> <a id='mail' href='mailto:ann@example.test'>Mail</a> <a id='hidden' data-hw-mask href='/next'>Ann Example</a>";
  const { shop, page } = await visit(t, { clicks: true }, "{tag}" + links, { domains: ["own.test"] });
  await page.evaluate(() => addEventListener("click", (event) => event.preventDefault()));
  for (const id of ["in", "pdf", "out", "own", "mail", "hidden"]) await page.click("#" + id);
  const seen = await shop.until((all) => all.length >= 6);
  assert.deepEqual(seen.map((e) => [e.event, e.properties.url.replace(shop.url, ""), e.properties.outbound]), [
    ["Link Clicked", "/next?x=1", false],
    ["File Downloaded", "/files/price%20list.pdf", false],
    ["Outbound Link Clicked", "https://other.test/path", true],
    ["Link Clicked", "https://www.own.test/", false],
    ["Link Clicked", "mailto:", false],
    ["Link Clicked", "/next", false],
  ]);
  assert.equal(seen[1].properties.file, "price list.pdf");
  assert.ok(!/ann@|secret|Ann Example/i.test(shop.posts.join()));
});

test("marked elements that were in view for a second, with their time", async (t) => {
  const { shop, page } = await visit(t, { visibility: true }, "{tag}<style>body{margin:0}</style><div data-hw-view id='hero' style='height:300px'>hero</div><div style='height:1500px'></div><div data-hw-view id='foot' style='height:300px'>foot</div>");
  await page.waitForTimeout(1_500);
  await page.mouse.move(400, 300);
  await page.mouse.wheel(0, 1_600);
  await page.waitForFunction(() => scrollY === 1_500);
  await page.waitForTimeout(400);
  await page.evaluate(() => history.pushState({}, "", "/x"));
  const [hero] = await shop.named("Element Viewed");
  await page.waitForTimeout(400);
  assert.deepEqual((await shop.named("Element Viewed")).map((e) => e.properties.element), ["hero"]);
  near(hero.properties.visible_ms, 1_600, 400);
});

test("web vitals once for each load", async (t) => {
  const { shop, page } = await visit(t, { vitals: true }, "{tag}<h1>Big</h1><button onclick='const e=performance.now()+120;while(performance.now()<e);this.textContent=1'>slow</button><div id='shift'></div>");
  await page.evaluate(() => setTimeout(() => (document.querySelector("#shift").style.cssText = "height:0", document.body.insertAdjacentHTML("afterbegin", "<div style='height:300px'>late</div>")), 600));
  await page.waitForTimeout(900);
  await page.click("button");
  await page.waitForTimeout(300);
  await page.goto(shop.url + "/next");
  const [{ properties: p }] = await shop.named("Web Vitals Measured");
  assert.ok(p.lcp_ms >= p.fcp_ms && p.fcp_ms > 0, JSON.stringify(p));
  assert.ok(p.cls > 0.05 && p.cls < 1, String(p.cls));
  assert.ok(p.inp_ms >= 112 && p.inp_ms < 400, String(p.inp_ms));
  assert.equal(p.navigation_type, "navigate");
  assert.ok(p.ttfb_ms >= 0);
});

test("captures that are not switched on send nothing", async (t) => {
  const { shop, page } = await visit(t, {}, TALL + "<a href='/next'>x</a>");
  await page.mouse.wheel(0, 1_000);
  await page.click("a");
  await page.waitForTimeout(600);
  assert.deepEqual(shop.posts, []);
});
