// The same page for a site that has Segment's SDK: the plugin adds capture, consent state and ids, the SDK sends.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { launch, site } from "./site.mjs";

let browser;
let bundle;
before(async () => {
  browser = await launch();
  const contents = `
    import { AnalyticsBrowser } from "@segment/analytics-next";
    import { headwaterCapture } from "/hw/headwater-capture.js";
    const base = location.origin + "/hw";
    const plugin = headwaterCapture({ base, writeKey: window.KEY });
    const analytics = AnalyticsBrowser.load(
      { writeKey: window.KEY, cdnURL: base, plugins: [plugin] },
      { integrations: { "Segment.io": { apiHost: location.host + "/hw/v1", protocol: "http" } } },
    );
    Object.assign(window, { sdk: analytics, plugin });
    analytics.page();
  `;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true, format: "esm", write: false, external: ["/hw/*"], define: { "process.env.NODE_ENV": '"production"' },
  });
  bundle = outputFiles[0].text;
});
after(() => browser.close());

async function visit(t, tag) {
  const shop = await site({ tag, pages: { "/": `<!doctype html><style>body{margin:0}</style><script>KEY="{key}"</script><script type="module" src="/app.js"></script><form id="f"><input name="a"></form><a id="buy" href="#">Buy</a><div style="height:3000px"></div>`, "/app.js": bundle, "/next": "next" } });
  const context = await browser.newContext({ viewport: { width: 800, height: 600 } });
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  await page.goto(shop.url);
  await page.waitForFunction(() => window.sdk);
  await page.evaluate(() => sdk.ready(() => {}));
  return { shop, page };
}

test("captures go out as the SDK's own events, with its ids and the state of consent", async (t) => {
  const { shop, page } = await visit(t, {
    capture: { scroll: true, clicks: true, forms: true, attention: true },
    consent: { source: "callback", required: ["analytics"] },
    identity: [{ vendor: "mail", id: "rid", from: "storage", key: "rid" }],
  });
  await page.evaluate(() => localStorage.setItem("rid", "r-1"));
  await page.click("#buy");
  await page.waitForTimeout(300);
  assert.ok(!(await shop.events()).some((e) => e.event), "captured events are held before a decision");
  await page.evaluate(() => plugin.consent({ analytics: true }));
  await page.mouse.move(400, 300);
  await page.mouse.wheel(0, 1_800);
  await page.waitForFunction(() => scrollY === 1_800);
  await page.waitForTimeout(500);
  await page.click("#f input").catch(() => {});
  await page.keyboard.type("secret");
  await page.evaluate(() => history.pushState({}, "", "/second"));
  const [depth] = await shop.named("Scroll Depth Reached");
  const [click] = await shop.named("Link Clicked");
  const [form] = await shop.named("Form Abandoned");
  const [first] = await shop.named("page");
  assert.equal(depth.context.library.name, "analytics.js");
  assert.ok(depth.properties.max_depth >= 78, JSON.stringify(depth.properties));
  assert.equal(depth.context.page.path, "/");
  assert.equal(new Set([depth, click, form, first].map((e) => e.anonymousId)).size, 1);
  assert.equal(depth.context.page_view_id, click.context.page_view_id);
  assert.equal(depth.context.consent.categoryPreferences.analytics, true);
  assert.deepEqual(depth.context.providers, { mail: { rid: "r-1" } });
  assert.ok(!JSON.stringify(await shop.events()).includes("secret"));
});
