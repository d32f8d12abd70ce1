// What the tag costs: four times slower processor, everything on, a long page that is scrolled in a storm of mouse moves.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, ready, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const EVERYTHING = { pages: true, scroll: true, attention: true, hover: true, mouse: true, clicks: true, forms: true, media: true, visibility: true, vitals: true };
const SECONDS = 6;

test("no task of 50 ms and below one percent of the main thread", async (t) => {
  const rows = Array.from({ length: 400 }, (_, i) => `<p data-hw-view>Row ${i} <a href="/next">link</a> <button>button</button></p>`).join("");
  const shop = await site({ tag: { capture: EVERYTHING, cookie: { server: true }, domains: ["127.0.0.1"] }, pages: { "/": "<!doctype html>{tag}" + rows } });
  const context = await browser.newContext({ viewport: { width: 1_000, height: 800 } });
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await devtools.send("Profiler.enable");
  await devtools.send("Profiler.setSamplingInterval", { interval: 200 });
  await devtools.send("Profiler.start");
  await page.goto(shop.url);
  await ready(page);
  const start = Date.now();
  for (let i = 0; Date.now() - start < SECONDS * 1_000; i++) {
    await page.mouse.move(100 + ((i * 37) % 800), 100 + ((i * 53) % 600));
    if (i % 3 === 0) await page.mouse.wheel(0, i % 2 ? 240 : 180);
  }
  await page.evaluate(() => history.pushState({}, "", "/left"));
  const { profile } = await devtools.send("Profiler.stop");
  await shop.named("Scroll Depth Reached");
  await shop.named("Mouse Movement Summarized");

  const { share, longest } = costOf(profile);
  t.diagnostic(`${(share * 100).toFixed(2)} % of the main thread, longest run ${longest.toFixed(1)} ms, at a quarter of the speed`);
  assert.ok(share < 0.01, `${(share * 100).toFixed(2)} % of the main thread`);
  assert.ok(longest < 50, `a run of ${longest.toFixed(1)} ms`);
});

/** Time below the tag's functions, natives that it calls included: its share of all, and the longest unbroken run. */
function costOf({ nodes, samples, timeDeltas, startTime, endTime }) {
  const parents = new Map();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const ours = new Map();
  const isOurs = (id) => {
    if (id === undefined) return false;
    if (!ours.has(id)) ours.set(id, byId.get(id).callFrame.url.includes("headwater.js") || isOurs(parents.get(id)));
    return ours.get(id);
  };
  let total = 0;
  let run = 0;
  let longest = 0;
  samples.forEach((id, i) => {
    // The time after a sample, up to the next one, belongs to it.
    const spent = timeDeltas[i + 1] ?? 0;
    if (isOurs(id)) {
      total += spent;
      run += spent;
      longest = Math.max(longest, run);
    } else run = 0;
  });
  return { share: total / (endTime - startTime), longest: longest / 1_000 };
}
