// Media by the tracking specification: an <audio> element that plays, a <video>, and frames that speak YouTube's and Vimeo's messages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { wav } from "./media.mjs";
import { launch, ready, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function visit(t, html, route) {
  const shop = await site({ tag: { capture: { media: true } }, pages: { "/": "<!doctype html>{tag}" + html, "/next": "next", "/tune.wav": wav(4), "/long.wav": wav(14) } });
  const context = await browser.newContext();
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  if (route) await route(page);
  await page.goto(shop.url);
  await ready(page);
  return { shop, page };
}

const brief = (all) => all.map((e) => e.event.replace("Video ", "") + (e.properties.quartile ? " " + e.properties.quartile : ""));
const watched = (all) => all.reduce((sum, e) => sum + (e.properties.watched ?? 0), 0);
const play = (page) => page.evaluate(() => document.querySelector("audio,video").play());

test("an audio from start to end: one session, positions, quartiles, completion", async (t) => {
  const { shop, page } = await visit(t, `<audio id="tune" src="/tune.wav" data-hw-media-asset-id="a-1" data-hw-media-title="Quiet" data-hw-media-full-episode="true"></audio>`);
  await page.evaluate(() => (document.querySelector("audio").volume = 0.5));
  await play(page);
  const seen = await shop.until((all) => all.some((e) => e.event === "Video Playback Completed"), 15_000);
  assert.deepEqual(brief(seen), ["Playback Started", "Content Started", "Quality Updated", "Content Playing 1", "Content Playing 2", "Content Playing 3", "Content Completed", "Playback Completed"]);
  assert.equal(new Set(seen.map((e) => e.properties.session_id)).size, 1);
  const [started, content] = seen.map((e) => e.properties);
  assert.deepEqual([started.content_asset_ids, started.total_length, started.sound, started.video_player, started.livestream], [["a-1"], 4, 50, "html5", false]);
  assert.deepEqual([content.asset_id, content.title, content.full_episode], ["a-1", "Quiet", "true"]);
  const positions = seen.filter((e) => e.event === "Video Content Playing").map((e) => e.properties.position);
  [1, 2, 3].forEach((wanted, i) => assert.ok(positions[i] >= wanted && positions[i] < wanted + 0.6, `${positions}`));
  assert.ok(Math.abs(watched(seen) - 4) < 0.15, `${watched(seen)}`);
});

test("pause, resume with a heartbeat at once, seek with both positions, exit on leaving", async (t) => {
  const { shop, page } = await visit(t, `<audio src="/long.wav"></audio>`);
  await play(page);
  await page.waitForTimeout(900);
  await page.evaluate(() => document.querySelector("audio").pause());
  await page.waitForTimeout(200);
  await play(page);
  await page.waitForTimeout(300);
  await page.evaluate(() => (document.querySelector("audio").currentTime = 10));
  await page.waitForTimeout(1_500);
  await page.goto(shop.url + "/next");
  const seen = await shop.until((all) => all.some((e) => e.event === "Video Playback Exited"));
  assert.ok(watched(seen) > 2 && watched(seen) < 5, `the jump to the tenth second is not watched: ${watched(seen)}`);
  assert.deepEqual(brief(seen).filter((name) => !/Buffer/.test(name)), ["Playback Started", "Content Started", "Quality Updated", "Playback Paused", "Playback Resumed", "Content Playing", "Playback Seek Started", "Playback Seek Completed", "Content Playing 3", "Playback Exited"]);
  const of = (name) => seen.find((e) => e.event === "Video Playback " + name).properties;
  assert.equal(of("Seek Started").seek_position, 10);
  assert.ok(of("Seek Started").position < 2, String(of("Seek Started").position));
  assert.equal(of("Seek Completed").position, 10);
  assert.ok(of("Exited").position > 10);
});

test("a heartbeat every ten seconds", { timeout: 40_000 }, async (t) => {
  const { shop, page } = await visit(t, `<audio src="/long.wav"></audio>`);
  await play(page);
  const seen = await shop.until((all) => all.some((e) => e.event === "Video Playback Completed"), 25_000);
  // Quartiles at 3.5, 7 and 10.5 s; each is a heartbeat as well, so no other falls due within 14 s.
  assert.deepEqual(seen.filter((e) => e.event === "Video Content Playing").map((e) => e.properties.quartile), [1, 2, 3]);
  await page.evaluate(() => { const audio = document.querySelector("audio"); audio.loop = false; audio.playbackRate = 0.25; return audio.play(); });
  // At a quarter of the speed the first quartile is 14 s away, so the heartbeat comes first.
  const [beat] = (await shop.until((all) => all.filter((e) => e.event === "Video Content Playing").length >= 4, 14_000)).filter((e) => e.event === "Video Content Playing").slice(3);
  assert.equal(beat.properties.quartile, undefined);
  assert.ok(beat.properties.position >= 2.3 && beat.properties.position <= 3, String(beat.properties.position));
});

test("an ad is told as an ad, with its pod and the content around it", async (t) => {
  const { shop, page } = await visit(t, `<audio src="/tune.wav" data-hw-media-asset-id="show" data-hw-ad-type="pre-roll" data-hw-ad-asset-id="ad-9" data-hw-ad-pod-id="pod-1"></audio>`);
  await play(page);
  const seen = await shop.until((all) => all.some((e) => e.event === "Video Playback Completed"), 15_000);
  assert.deepEqual(brief(seen).filter((name) => /Ad|Content/.test(name)), ["Ad Started", "Ad Playing 1", "Ad Playing 2", "Ad Playing 3", "Ad Completed"]);
  const [playback, ad] = seen.map((e) => e.properties);
  assert.deepEqual([playback.ad_enabled, playback.ad_type, playback.ad_asset_id, playback.ad_pod_id], [true, "pre-roll", "ad-9", "pod-1"]);
  assert.deepEqual([ad.asset_id, ad.type, ad.content.asset_id], ["ad-9", "pre-roll", "show"]);
});

test("a source that cannot be played is an interruption; a video tells its quality", async (t) => {
  const { shop, page } = await visit(t, `<video muted></video>`);
  await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const paint = canvas.getContext("2d");
    const timer = setInterval(() => (paint.fillStyle = "#" + Math.floor(Math.random() * 899 + 100), paint.fillRect(0, 0, 320, 180)), 40);
    const recorder = new MediaRecorder(canvas.captureStream(25));
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.start();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await new Promise((resolve) => (recorder.onstop = resolve, recorder.stop()));
    clearInterval(timer);
    const video = document.querySelector("video");
    video.src = URL.createObjectURL(new Blob(parts, { type: "video/webm" }));
    await video.play();
  });
  const [quality] = await shop.named("Video Quality Updated");
  assert.equal(quality.properties.quality, "180p");
  assert.ok(quality.properties.startupTime >= 0);
  await shop.named("Video Playback Completed");
  await page.evaluate(() => { const video = document.querySelector("video"); video.src = "/none.webm"; return video.play().catch(() => {}); });
  const [interrupted] = await shop.named("Video Playback Interrupted");
  assert.equal(interrupted.properties.method, "error");
});

// Stand-ins for the vendors' players: they answer to the messages that the real ones answer to, and tell the same things.
const YOUTUBE = `<script>
let listening = false;
const tell = (event, info) => listening && parent.postMessage(JSON.stringify({ event, info, id: 1, channel: "widget" }), "*");
addEventListener("message", ({ data }) => { if (JSON.parse(data).event === "listening") { listening = true; tell("initialDelivery", { duration: 100, currentTime: 0, volume: 80, muted: false, playerState: -1 }); } });
addEventListener("message", async ({ data }) => {
  if (data !== '"run"') return;
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  tell("infoDelivery", { playerState: 3 }); tell("infoDelivery", { playerState: 1, playbackQuality: "hd720" });
  for (const currentTime of [0.2, 0.4, 0.6]) { await wait(200); tell("infoDelivery", { currentTime }); }
  tell("infoDelivery", { playerState: 2 }); await wait(50); tell("infoDelivery", { playerState: 1 });
  tell("infoDelivery", { currentTime: 60 }); await wait(200); tell("infoDelivery", { currentTime: 60.2 });
  tell("infoDelivery", { playerState: 0 });
  parent.postMessage("not json", "*");
});
</script>`;

const VIMEO = `<script>
const wanted = new Set();
const tell = (event, data) => wanted.has(event) && parent.postMessage({ event, data, player_id: "p" }, "*");
addEventListener("message", async ({ data }) => {
  const message = JSON.parse(data);
  if (message.method === "addEventListener") wanted.add(message.value);
  if (message !== "run") return;
  tell("volumechange", { volume: 0.4 });
  tell("play", { seconds: 0, percent: 0, duration: 20 }); tell("timeupdate", { seconds: 0.2, percent: 0.01, duration: 20 });
  tell("timeupdate", { seconds: 5.1, percent: 0.255, duration: 20 });
  tell("bufferstart"); tell("bufferend");
  tell("pause", { seconds: 5.2, percent: 0.26, duration: 20 }); tell("play", { seconds: 5.2, percent: 0.26, duration: 20 });
  tell("seeking", { seconds: 15.5, percent: 0.775, duration: 20 }); tell("seeked", { seconds: 15.5, percent: 0.775, duration: 20 });
  tell("timeupdate", { seconds: 19.9, percent: 0.995, duration: 20 });
  tell("pause", { seconds: 20, percent: 1, duration: 20 }); tell("ended", { seconds: 20, percent: 1, duration: 20 });
});
</script>`;

test("a YouTube frame: states, positions and jumps become the same events", async (t) => {
  const { shop, page } = await visit(t, `<iframe src="https://www.youtube.com/embed/abc_123?enablejsapi=1"></iframe>`, (page) =>
    page.route("https://www.youtube.com/**", (route) => route.fulfill({ contentType: "text/html", body: YOUTUBE })));
  await page.waitForTimeout(300);
  await page.evaluate(() => frames[0].postMessage('"run"', "*"));
  const seen = await shop.until((all) => all.some((e) => e.event === "Video Playback Completed"));
  assert.deepEqual(brief(seen), ["Playback Started", "Content Started", "Quality Updated", "Playback Paused", "Playback Resumed", "Content Playing", "Playback Seek Started", "Playback Seek Completed", "Content Completed", "Playback Completed"]);
  const [started] = seen.map((e) => e.properties);
  assert.deepEqual([started.content_asset_ids, started.video_player, started.total_length, started.sound], [["abc_123"], "youtube", 100, 80]);
  const seek = seen.find((e) => e.event === "Video Playback Seek Started").properties;
  assert.deepEqual([seek.position, seek.seek_position], [0.6, 60]);
});

test("a Vimeo frame: its messages become the same events; strangers' messages count for nothing", async (t) => {
  const { shop, page } = await visit(t, `<iframe src="https://player.vimeo.com/video/76979871"></iframe><iframe id="stranger" srcdoc="<script>parent.postMessage({event:'play',data:{duration:9}},'*')</script>"></iframe>`, (page) =>
    page.route("https://player.vimeo.com/**", (route) => route.fulfill({ contentType: "text/html", body: VIMEO })));
  await page.waitForTimeout(300);
  assert.deepEqual(shop.posts, []);
  await page.evaluate(() => frames[0].postMessage('"run"', "*"));
  const seen = await shop.until((all) => all.some((e) => e.event === "Video Playback Completed"));
  assert.deepEqual(brief(seen), ["Playback Started", "Content Started", "Quality Updated", "Content Playing 1", "Playback Buffer Started", "Playback Buffer Completed", "Playback Paused", "Playback Resumed", "Content Playing", "Playback Seek Started", "Playback Seek Completed", "Content Completed", "Playback Completed"]);
  const seek = seen.find((e) => e.event === "Video Playback Seek Started").properties;
  assert.deepEqual([seek.position, seek.seek_position, seek.sound], [5.1, 15.5, 40]);
});
