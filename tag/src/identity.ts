import * as cookies from "./cookies";
import { at, type IdentitySource } from "./settings";
import { LocalShelf } from "./storage";

type Found = Record<string, Record<string, string>>;

const CACHE = "hw_ids";
const DAY_SECONDS = 86_400;

/**
 * Ids that other vendors gave this browser, for `context.providers`. Cookies, parameters and storage are read at once,
 * fetches and match pixels answer later. An id with a time to live is kept and not asked for again until it runs out.
 */
export class Identities {
  readonly found: Found = {};
  private readonly shelf = new LocalShelf();

  constructor(
    private readonly base: string,
    private readonly anonymousId: () => string,
  ) {}

  read(sources: readonly IdentitySource[]): void {
    const kept = this.kept();
    for (const source of sources) {
      const [value, until] = kept[source.vendor + "." + source.id] ?? [];
      const fresh = value && until! > Date.now() ? value : "";
      const now = readNow(source);
      if (now) this.take(source, now);
      else if (fresh) this.put(source, fresh);
      else if (source.from === "fetch") void this.fetch(source);
      else if (source.from === "pixel") this.match(source);
    }
  }

  forget(): void {
    this.shelf.remove(CACHE);
    for (const vendor in this.found) delete this.found[vendor];
  }

  private kept(): Record<string, [string, number]> {
    try {
      return JSON.parse(this.shelf.get(CACHE) ?? "{}");
    } catch {
      return {};
    }
  }

  private put({ vendor, id }: IdentitySource, value: string): void {
    (this.found[vendor] ??= {})[id] = value;
  }

  private take(source: IdentitySource, value: string): void {
    this.put(source, value);
    const remote = /fetch|pixel/.test(source.from);
    const seconds = source.ttl_seconds ?? (remote ? DAY_SECONDS : 0);
    if (!seconds) return;
    const kept = { ...this.kept(), [source.vendor + "." + source.id]: [value, Date.now() + seconds * 1_000] };
    this.shelf.set(CACHE, JSON.stringify(kept));
  }

  private async fetch(source: IdentitySource): Promise<void> {
    try {
      const reply = await fetch(source.key, { credentials: "include" });
      const value = at(await reply.json(), source.path ?? source.id);
      if (value) this.take(source, String(value));
    } catch {
      // The vendor does not answer; the next page asks again.
    }
  }

  /** The vendor redirects the image to our own address, which keeps its id in a cookie. */
  private match(source: IdentitySource): void {
    const name = `hw_match_${source.vendor}_${source.id}`;
    const address = `${this.base}/v1/match/${source.vendor}/${source.id}?value=`;
    const image = new Image();
    image.onload = () => {
      const value = cookies.read(name);
      if (value) this.take(source, value);
    };
    image.src = source.key
      .replace("{match}", encodeURIComponent(address))
      .replace("{anonymousId}", encodeURIComponent(this.anonymousId()));
  }
}

function readNow({ from, key, path }: IdentitySource): string | null {
  if (from === "cookie") return cookies.read(key);
  if (from === "query") return new URLSearchParams(location.search).get(key);
  if (from !== "storage") return null;
  const text = new LocalShelf().get(key);
  if (!path || !text) return text;
  try {
    const value = at(JSON.parse(text), path);
    return value == null ? null : String(value);
  } catch {
    return null;
  }
}
