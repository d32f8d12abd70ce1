// From a visit to a customer: what the tag saw stands in the profile, and an audience is entered while the visitor is still there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { wav } from "./media.mjs";
import { admin, launch, ready, records, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const PAGE = `<!doctype html>{tag}<form id="signup"><input name="email"><button>Go</button></form>
<audio src="/tune.wav" data-hw-media-asset-id="intro"></audio><p style="height: 3000px">A long text.</p>`;
const PATIENCE_MS = 15_000;

async function until(find) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await find();
    if (found) return found;
    assert.ok(Date.now() < end, `not seen: ${find}`);
    await sleep(50);
  }
}

test("a visit fills engagement fields, and who watched half and did not submit is in the audience within a second", async (t) => {
  const capture = { pages: true, scroll: true, attention: true, forms: true, media: true };
  const shop = await site({ tag: { capture }, pages: { "/": PAGE, "/tune.wav": wav(4) } });
  const slug = `built-in-${process.pid}`;
  await admin("POST", "integrations", { name: slug, slug, kit: "profiles" });
  await admin("PUT", `pipelines/${shop.id}/integrations/${slug}`, {});
  const alias = `hesitant_${process.pid}`;
  await admin("POST", "/api/segment", `FILTER AND (video_quarters.intro >= 2, EXISTS forms_started.signup, NOT EXISTS forms_submitted.signup) ALIAS ${alias}`);

  const context = await browser.newContext();
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  await page.goto(shop.url);
  await ready(page);
  const id = await page.evaluate(() => analytics.user().anonymousId());
  await page.click("[name=email]");
  await page.keyboard.type("jane");
  await page.mouse.wheel(0, 1_500);
  await page.evaluate(() => document.querySelector("audio").play());

  const entered = await until(async () => (await records(alias)).find((record) => record.data.event === "Audience Entered"));
  const half = (await records(id)).find((record) => record.data.properties?.quartile === 2);
  const seconds = (new Date(entered.stored_at) - new Date(half.stored_at)) / 1_000;
  assert.ok(seconds >= 0 && seconds < 1, `entered ${seconds} s after the half`);

  await shop.named("Video Playback Completed");
  await page.goto("about:blank");
  const profile = await until(async () => {
    const { data } = await admin("GET", `/api/entity/user/anonymous_id/${id}`);
    return data.attention_ms && data.deepest_scroll && data.video_quarters?.intro === 4 && data.forms_abandoned && data;
  });
  assert.ok(profile.segments.includes(alias), `${profile.segments}`);
  assert.ok(Math.abs(profile.seconds_watched - 4) < 0.3, `${profile.seconds_watched}`);
  assert.ok(profile.deepest_scroll > 40 && profile.deepest_scroll <= 100, `${profile.deepest_scroll}`);
  assert.deepEqual(Object.keys(profile.forms_started), ["signup"]);
  assert.equal(profile.forms_submitted, undefined);
  assert.deepEqual(profile.forms_abandoned, { signup: 1 });
  assert.equal(profile.attention_by_page["/"], profile.attention_ms);
  assert.deepEqual(profile.videos, ["intro"]);
});
