// A shop for the tests: pages, Headwater below /hw/ as a reverse proxy would put it, and a real browser to visit it.
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const { HEADWATER_TEST_COLLECT: COLLECT, HEADWATER_TEST_ADMIN: ADMIN, HEADWATER_TEST_TOKEN: TOKEN, HEADWATER_TEST_LOG: LOG } = process.env;
const PATIENCE_MS = 10_000;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"];

export const launch = (...flags) =>
  // The driver switches the back/forward cache off by default.
  chromium.launch({ executablePath: "/usr/bin/chromium", args: [...FLAGS, ...flags], ignoreDefaultArgs: ["--disable-back-forward-cache"] });

let pipelines = 0;

/** Ask the admin API: an address below /api/v1, or a whole path such as /api/segment. */
export async function admin(method, path, body) {
  const url = path.startsWith("/") ? new URL(ADMIN).origin + path : `${ADMIN}/${path}`;
  const type = typeof body === "string" ? "text/plain" : "application/json";
  const headers = { authorization: `Bearer ${TOKEN}`, ...(body !== undefined && { "content-type": type }) };
  const reply = await fetch(url, { method, headers, body: typeof body === "string" ? body : JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  return reply.status === 204 ? null : reply.json();
}

/** A pipeline with tag settings, made by the admin API. */
async function pipeline(tag) {
  const made = await admin("POST", "pipelines", { name: `Tag ${process.pid} ${pipelines++}`, tag });
  const [key] = made.write_keys;
  for (let tries = 0; (await fetch(`${COLLECT}/v1/projects/${key}/settings`)).status !== 200; tries++) {
    if (tries > 50) throw new Error("the collector does not know the new write key");
    await sleep(50);
  }
  return { id: made.id, key };
}

const snippet = (key, src) => `<script>
(function (names) {
  var queue = (window.analytics = window.analytics || []);
  names.split(" ").forEach(function (name) {
    queue[name] = function () { queue.push([name].concat([].slice.call(arguments))); return queue; };
  });
})("load page track identify group alias ready reset user setAnonymousId debug on once off consent");
</script><script async src="${src}" data-write-key="${key}"></script>`;

/**
 * Serve pages (path to HTML, `{tag}` stands for the snippet). `fault` makes the proxy answer with a status and headers,
 * or not at all ("down"); a function of the body may choose. `posts` holds the bodies that were sent to the batch door, `asked` all paths below /hw.
 */
export async function site({ tag = {}, pages = {}, headers = {}, key } = {}) {
  const made = key ? { key, id: null } : await pipeline(tag);
  const state = { fault: null, posts: [], asked: [], headers, pages };

  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url, "http://localhost");
    if (url.pathname.startsWith("/hw/")) proxy(incoming, outgoing, url);
    else {
      const content = state.pages[url.pathname];
      const body = typeof content === "function" ? content(url) : content;
      if (body === undefined) return outgoing.writeHead(url.pathname === "/favicon.ico" ? 204 : 404).end();
      const type = Buffer.isBuffer(body) ? "audio/wav" : /\.js$/.test(url.pathname) ? "text/javascript" : "text/html; charset=utf-8";
      const filled = Buffer.isBuffer(body) ? body : body.replaceAll("{tag}", snippet(made.key, "/hw/headwater.js")).replaceAll("{key}", made.key);
      const [, from] = /^bytes=(\d+)-/.exec(incoming.headers.range ?? "") ?? [];
      const range = from && Buffer.isBuffer(body) && { "content-range": `bytes ${from}-${body.length - 1}/${body.length}`, "accept-ranges": "bytes" };
      outgoing.writeHead(range ? 206 : 200, { "content-type": type, ...range, ...state.headers }).end(range ? body.subarray(+from) : filled);
    }
  });

  function proxy(incoming, outgoing, url) {
    state.asked.push(url.pathname);
    const chunks = [];
    incoming.on("data", (chunk) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      if (url.pathname === "/hw/v1/b") state.posts.push(body.toString());
      const chosen = typeof state.fault === "function" ? state.fault(body) : state.fault;
      const fault = url.pathname === "/hw/v1/b" || chosen === "dead" ? chosen : null;
      if (fault === "down" || fault === "dead") return incoming.socket.destroy();
      if (fault) return outgoing.writeHead(fault.status, fault.headers).end();
      const onward = request(COLLECT + incoming.url, { method: incoming.method, headers: incoming.headers }, (reply) => {
        outgoing.writeHead(reply.statusCode, reply.headers);
        reply.pipe(outgoing);
      });
      onward.on("error", () => outgoing.destroy());
      onward.end(body);
    });
  }

  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address();
  return Object.assign(state, {
    ...made,
    port,
    url: `http://localhost:${port}`,
    events: () => events(made.id),
    until: (test, patience) => until(made.id, test, patience),
    named: (name, count = 1) => named(made.id, name, count),
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  });
}

/** Lines of the install's log that hold a text, oldest first: `stored_at`, `meta`, `data`. */
export async function records(holding) {
  const text = await readFile(LOG, "utf8");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line.includes(holding)).map((line) => JSON.parse(line));
}

/** What the install's log holds for a pipeline, oldest first. */
export const events = async (id) => (await records(id)).map((record) => record.data);

/** Wait until the events pass a test. */
async function until(id, test, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await events(id);
    if (test(found)) return found;
    if (Date.now() > end) throw new Error("not seen in the log: " + test + "\nseen: " + JSON.stringify(found.map((e) => [e.type, e.event ?? e.name, e.properties]), null, 1));
    await sleep(50);
  }
}

/** Wait for `count` events of a name, and return them. */
async function named(id, name, count) {
  const ofName = (event) => event.event === name || (event.type === name && !event.event);
  const found = await until(id, (all) => all.filter(ofName).length >= count);
  return found.filter(ofName);
}

/** Wait until the tag has its settings. */
export const ready = (page) => page.evaluate(() => new Promise((resolve) => window.analytics.ready(() => resolve())));
