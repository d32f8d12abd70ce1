// Forms: what was done, never what was typed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, ready, site } from "./site.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function visit(t, html, capture = {}) {
  const everything = { pages: true, scroll: true, attention: true, hover: true, mouse: true, clicks: true, forms: true, media: true, visibility: true, vitals: true };
  const shop = await site({ tag: { capture: { ...everything, ...capture } }, pages: { "/": "<!doctype html>{tag}" + html, "/next": "<!doctype html>{tag}next" } });
  const context = await browser.newContext();
  t.after(async () => (await context.close(), await shop.close()));
  const page = await context.newPage();
  await page.goto(shop.url);
  await ready(page);
  return { shop, page };
}

const FORM = `<form id="signup" onsubmit="event.preventDefault()"><input name="id" value=""><input name="email" type="email" required><select name="size"><option>s<option>m</select><button>Go</button></form>`;

test("started, fields with their time and changes, an error, submitted", async (t) => {
  const { shop, page } = await visit(t, FORM);
  await page.click("[name=email]");
  await page.keyboard.type("nobody", { delay: 20 });
  await page.waitForTimeout(400);
  await page.click("button");
  await page.fill("[name=email]", "a@b.test");
  await page.selectOption("[name=size]", "m");
  await page.click("button");
  const [submitted] = await shop.named("Form Submitted");
  const [started] = await shop.named("Form Started");
  const [error] = await shop.named("Form Error Shown");
  const fields = await shop.named("Form Field Completed");
  assert.equal(started.properties.form, "signup");
  assert.deepEqual(error.properties, { form: "signup", field: "email", error: "typeMismatch" });
  const [first] = fields;
  assert.equal(first.properties.field, "email");
  assert.equal(first.properties.changes, 1);
  assert.ok(first.properties.focus_ms >= 500 && first.properties.focus_ms < 1_500, String(first.properties.focus_ms));
  assert.equal(first.properties.error, "typeMismatch");
  const { duration_ms, ...rest } = submitted.properties;
  assert.deepEqual(rest, { form: "signup", fields_visited: ["email"], errors: 1 });
  assert.ok(duration_ms >= 500);
});

test("abandoned, with the last field, when the page is left before it is submitted", async (t) => {
  const { shop, page } = await visit(t, FORM);
  await page.click("[name=email]");
  await page.keyboard.type("someone");
  await page.keyboard.press("Tab");
  await page.goto(shop.url + "/next");
  const [{ properties }] = await shop.named("Form Abandoned");
  assert.deepEqual([properties.form, properties.last_field, properties.fields_visited], ["signup", "size", ["email", "size"]]);
});

const KINDS = ["text", "email", "tel", "url", "search", "password", "number", "date", "month", "week", "time", "datetime-local", "color", "range", "checkbox", "radio", "hidden", "file"];
const SECRET = "Zx7secret";
const fields = KINDS.map((kind) => `<input name="f_${kind}" type="${kind}">`).join("");
const LEAKY = `<form id="leaky" onsubmit="event.preventDefault()">${fields}
  <textarea name="note"></textarea><div contenteditable id="rich">.</div>
  <input name="cc" autocomplete="cc-number"><input name="code" autocomplete="one-time-code"><input name="cvv2"><input name="api_token">
  <input name="shown" type="password" id="shown"><input name="topic"><input name="city"><input name="agree" type="checkbox" value="yes"><button>Send</button></form>`;

test("secrets typed into every kind of field never leave the browser, even where the settings allow the field", async (t) => {
  const sensitive = ["f_password", "f_hidden", "f_file", "cc", "code", "cvv2", "api_token", "shown"];
  const { shop, page } = await visit(t, LEAKY, { allow_fields: ["topic", "agree", ...sensitive] });
  const typed = [];
  for (const kind of ["text", "email", "tel", "url", "search", "password"]) {
    typed.push(`${SECRET}${kind}`);
    await page.click(`[name=f_${kind}]`);
    await page.keyboard.type(`${SECRET}${kind}`);
  }
  await page.fill("[name=f_number]", "73559134");
  await page.fill("[name=f_date]", "1973-05-29");
  await page.fill("[name=f_month]", "1973-05");
  await page.fill("[name=f_week]", "1973-W21");
  await page.fill("[name=f_time]", "13:57");
  await page.fill("[name=f_datetime-local]", "1973-05-29T13:57");
  await page.fill("[name=f_color]", "#a7b3c9");
  await page.setInputFiles("[name=f_file]", { name: SECRET + ".txt", mimeType: "text/plain", buffer: Buffer.from(SECRET) });
  await page.evaluate((secret) => (document.querySelector("[name=f_hidden]").value = secret + "hidden"), SECRET);
  for (const name of ["note", "cc", "code", "cvv2", "api_token", "city"]) {
    await page.click(`[name=${name}]`);
    await page.keyboard.type(SECRET + name);
  }
  await page.click("#rich");
  await page.keyboard.type(SECRET + "rich");
  // "Show password": the field is text when it is sent.
  await page.click("#shown");
  await page.keyboard.type(SECRET + "shown");
  await page.evaluate(() => (document.querySelector("#shown").type = "text"));
  await page.keyboard.type("more");
  await page.fill("[name=topic]", "gardening");
  await page.check("[name=agree]");
  await page.evaluate(() => document.querySelector("#leaky").noValidate = true);
  await page.click("button");
  const [submitted] = await shop.named("Form Submitted");
  await page.goto(shop.url + "/next");
  await page.waitForTimeout(500);
  const everything = shop.posts.join("\n") + shop.asked.join("\n");
  for (const leak of [SECRET, "73559134", "1973-05", "1973-W21", "13:57\"", "a7b3c9"]) assert.ok(!everything.includes(leak), `${leak} was sent`);
  assert.deepEqual(submitted.properties.values, { topic: "gardening", agree: "yes" });
});

test("the browser's own error texts, which quote what was typed, are not sent", async (t) => {
  const { shop, page } = await visit(t, FORM);
  await page.click("[name=email]");
  await page.keyboard.type(SECRET);
  await page.click("button");
  await shop.named("Form Error Shown");
  assert.ok(!shop.posts.join().includes(SECRET));
});
