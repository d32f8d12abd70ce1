/** What a pipeline says about the tag: the key `tag` of the settings document. Whatever is absent is off. */
export interface TagSettings {
  readonly capture?: CaptureSettings;
  readonly consent?: ConsentSettings;
  readonly identity?: readonly IdentitySource[];
  /** Hosts that belong to the same owner: no outbound links, and ids are handed over between them. */
  readonly domains?: readonly string[];
  readonly cookie?: { readonly server?: boolean; readonly domain?: string };
}

export interface CaptureSettings {
  readonly pages?: boolean;
  readonly scroll?: boolean;
  readonly attention?: boolean;
  readonly hover?: boolean;
  readonly mouse?: boolean;
  readonly clicks?: boolean;
  readonly forms?: boolean;
  readonly media?: boolean;
  readonly visibility?: boolean;
  readonly vitals?: boolean;
  /** Names of form fields whose values may be sent. */
  readonly allow_fields?: readonly string[];
}

export type ConsentSource = "tcf" | "gpc" | "google" | "onetrust" | "cookiebot" | "callback";

export interface ConsentSettings {
  readonly source: ConsentSource;
  /** Categories that must all be granted. None: every decision lets events through, the router decides. */
  readonly required?: readonly string[];
  readonly before?: "hold" | "drop" | "cookieless";
  readonly refused?: "drop" | "cookieless";
  /** Global Privacy Control counts as a refusal, whatever the banner says. */
  readonly gpc?: boolean;
}

export interface IdentitySource {
  readonly vendor: string;
  readonly id: string;
  readonly from: "cookie" | "query" | "storage" | "fetch" | "pixel";
  /** Name of the cookie, parameter or storage key; address of the fetch or pixel. */
  readonly key: string;
  /** Dotted path into the JSON that a fetch answers or a storage key holds. */
  readonly path?: string;
  readonly ttl_seconds?: number;
}

/** A dotted path into parsed JSON; undefined where it leads nowhere. */
export function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((level, name) => (level as Record<string, unknown> | null)?.[name], value);
}

/** Settings of a write key. Null where the server cannot be reached or does not know the key. */
export async function load(base: string, writeKey: string): Promise<TagSettings | null> {
  try {
    const reply = await fetch(`${base}/v1/projects/${writeKey}/settings`);
    return reply.ok ? ((await reply.json()).tag ?? {}) : null;
  } catch {
    return null;
  }
}
