import { closest } from "./elements";
import { isOwn, listen } from "./hub";
import type { User } from "./user";

const PARAMETER = "hw_id";
/** A little less than the server's time, so that a link is never born too old. */
const TOKEN_MS = 60_000;
const TIMEOUT_MS = 2_000;

async function ask(address: string, body: object): Promise<Record<string, string>> {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), TIMEOUT_MS);
  try {
    const headers = { "Content-Type": "text/plain" };
    const reply = await fetch(address, { method: "POST", body: JSON.stringify(body), headers, signal: aborter.signal });
    return reply.ok ? await reply.json() : {};
  } catch {
    return {};
  } finally {
    clearTimeout(timer);
  }
}

/** Take the parameter out of the address, before anything reads the address. */
export function takeParameter(): string | null {
  const url = new URL(location.href);
  const token = url.searchParams.get(PARAMETER);
  if (!token) return null;
  url.searchParams.delete(PARAMETER);
  history.replaceState(history.state, "", url);
  return token;
}

/** The anonymous id that another of the owner's domains handed over, null where the server does not vouch for it. */
export async function openToken(base: string, writeKey: string, token: string): Promise<string | null> {
  return (await ask(base + "/v1/link/open", { writeKey, token })).anonymousId ?? null;
}

/** Give links to the owner's other domains a signed parameter. It is fetched when a link is approached, used on click. */
export function handOver(base: string, writeKey: string, domains: readonly string[], visitor: User): void {
  const tokens = new Map<string, { readonly token: string; readonly until: number }>();

  function linkOf(event: Event): HTMLAnchorElement | null {
    const link = closest(event, "a[href]") as HTMLAnchorElement | null;
    const host = link?.hostname;
    if (!host || !/^http/.test(link.protocol) || host === location.hostname || !isOwn(host, domains)) return null;
    // Below a common domain both pages share the cookie.
    const shared = visitor.cookieDomain;
    return shared && ("." + host).endsWith("." + shared) ? null : link;
  }

  async function prepare(event: Event): Promise<void> {
    const host = linkOf(event)?.hostname;
    if (!host || !visitor.persistent || tokens.get(host)?.until! > Date.now()) return;
    tokens.set(host, { token: "", until: Date.now() + TIMEOUT_MS });
    const { token } = await ask(base + "/v1/link", { writeKey, anonymousId: visitor.anonymousId(), host });
    if (token) tokens.set(host, { token, until: Date.now() + TOKEN_MS });
  }

  function use(event: MouseEvent): void {
    const link = linkOf(event);
    const known = link && tokens.get(link.hostname);
    if (!known?.token || known.until < Date.now() || !visitor.persistent) return;
    const original = link!.href;
    const url = new URL(original);
    url.searchParams.set(PARAMETER, known.token);
    link!.href = url.href;
    setTimeout(() => (link!.href = original));
  }

  for (const type of ["pointerover", "pointerdown", "focusin"] as const) listen(type, (event) => void prepare(event));
  for (const type of ["click", "auxclick"] as const) listen(type, use);
}
