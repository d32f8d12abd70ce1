import { onActivity } from "./activity";
import { innermost } from "./elements";
import { isOwn, listen } from "./page";
import { now } from "./moments";
import { post } from "./requests";
import type { User } from "./user";

const PARAMETER = "hw_id";
/** Less than the server's time, so that nobody follows a link that is too old. */
const TOKEN_MS = 60_000;
const ASK_AGAIN_MS = 2_000;

async function ask(address: string, body: object): Promise<Record<string, string | undefined>> {
  const reply = await post(address, JSON.stringify(body));
  return reply?.ok ? reply.json() : {};
}

/** Take the parameter out of the address, before anything reads the address. */
export function takeParameter(): string | null {
  const url = new URL(location.href);
  const token = url.searchParams.get(PARAMETER);
  if (token) {
    url.searchParams.delete(PARAMETER);
    history.replaceState(history.state, "", url);
  }
  return token;
}

/** The anonymous id that another of the owner's domains handed over; undefined where the server does not vouch for it. */
export const openToken = async (base: string, writeKey: string, token: string): Promise<string | undefined> =>
  (await ask(base + "/v1/link/open", { writeKey, token })).anonymousId;

/** Give links to the owner's other domains a signed parameter. It is fetched when a link is approached, used on click. */
export function handOver(base: string, writeKey: string, domains: readonly string[], visitor: User): void {
  const tokens = new Map<string, readonly [token: string | undefined, until: number]>();

  function linkOf(element: Element | null): HTMLAnchorElement | null {
    const link = element?.closest<HTMLAnchorElement>("a[href]");
    if (!link || !visitor.persistent() || !/^http/.test(link.protocol)) return null;
    const { hostname } = link;
    if (hostname === location.hostname || !isOwn(hostname, domains)) return null;
    // Below a common domain both pages share the cookie.
    const shared = visitor.domain();
    return shared && ("." + hostname).endsWith("." + shared) ? null : link;
  }

  async function prepare(element: Element | null): Promise<void> {
    const host = linkOf(element)?.hostname;
    if (!host || tokens.get(host)?.[1]! > now()) return;
    tokens.set(host, ["", now() + ASK_AGAIN_MS]);
    const { token } = await ask(base + "/v1/link", { writeKey, anonymousId: visitor.anonymousId(), host });
    if (token) tokens.set(host, [token, now() + TOKEN_MS]);
  }

  function use(event: Event): void {
    const link = linkOf(innermost(event));
    const [token, until] = tokens.get(link?.hostname!) ?? [];
    if (!token || until! < now()) return;
    const { href } = link!;
    const url = new URL(href);
    url.searchParams.set(PARAMETER, token);
    link!.href = url.href;
    setTimeout(() => (link!.href = href));
  }

  onActivity(({ pointermove, scroll }) => !pointermove && !scroll && prepare(document.querySelector("a[href]:hover")));
  for (const type of ["pointerdown", "focusin"] as const) listen(type, (event) => void prepare(innermost(event)));
  for (const type of ["click", "auxclick"] as const) listen(type, use);
}
