import { readCookie } from "./cookies";
import { at, type IdentitySource } from "./settings";
import { attempt, localShelf, readObject } from "./storage";

const CACHE = "hw_ids";
const DAY_SECONDS = 86_400;

function readNow({ from, key, path }: IdentitySource): unknown {
  if (from === "cookie") return readCookie(key);
  if (from === "query") return new URLSearchParams(location.search).get(key);
  const text = from === "storage" ? localShelf.get(key) : null;
  return text && path ? attempt(() => at(JSON.parse(text), path), null) : text;
}

/**
 * Ids that other vendors gave this browser, for `context.providers`. Cookies, parameters and storage are read at once,
 * fetches and match pixels answer later. An id with a time to live is kept and not asked for again until it runs out.
 */
export function createIdentities(base: string, anonymousId: () => string) {
  let found: Record<string, Record<string, string>> = {};

  function take(source: IdentitySource, value: unknown): void {
    if (value == null || value === "") return;
    const { vendor, id, from, ttl_seconds } = source;
    const text = String(value);
    // A new object each time: events that wait for delivery keep the one that they were given.
    found = { ...found, [vendor]: { ...found[vendor], [id]: text } };
    const seconds = ttl_seconds ?? (/fetch|pixel/.test(from) ? DAY_SECONDS : 0);
    if (!seconds) return;
    const kept = { ...readObject(localShelf, CACHE), [vendor + "." + id]: [text, Date.now() + seconds * 1_000] };
    localShelf.set(CACHE, JSON.stringify(kept));
  }

  /** The vendor redirects the image to our own address, which keeps its id in a cookie. */
  function match(source: IdentitySource): void {
    const { vendor, id, key } = source;
    const image = new Image();
    image.onload = () => take(source, readCookie(`hw_match_${vendor}_${id}`));
    image.src = key
      .replace("{match}", encodeURIComponent(`${base}/v1/match/${vendor}/${id}?value=`))
      .replace("{anonymousId}", encodeURIComponent(anonymousId()));
  }

  async function ask(source: IdentitySource): Promise<void> {
    try {
      const reply = await fetch(source.key, { credentials: "include" });
      take(source, at(await reply.json(), source.path ?? source.id));
    } catch {
      // The vendor does not answer; the next page asks again.
    }
  }

  return {
    /** Undefined where there are none. */
    found: () => (Object.keys(found).length ? found : undefined),

    read(sources: readonly IdentitySource[]): void {
      const cache = readObject(localShelf, CACHE);
      for (const source of sources) {
        const { vendor, id, from } = source;
        const value = readNow(source);
        const [kept, until] = cache[vendor + "." + id] ?? [];
        if (value) take(source, value);
        else if (until > Date.now()) found = { ...found, [vendor]: { ...found[vendor], [id]: kept } };
        else if (from === "fetch") void ask(source);
        else if (from === "pixel") match(source);
      }
    },

    forget(): void {
      localShelf.remove(CACHE);
      found = {};
    },
  };
}
