import type { Properties } from "./hub";
import type { PageContext } from "./views";

type Clocks = { readonly Temporal?: { readonly Now: { timeZoneId(): string } } };
export type Kind = "track" | "page" | "identify" | "group" | "alias";
export interface Options extends Properties {
  readonly context?: Properties;
  readonly integrations?: Properties;
  readonly timestamp?: Date | string;
  readonly anonymousId?: string;
}
export type Callback = (message: Message) => void;

export interface Message extends Properties {
  readonly type: Kind;
  readonly messageId: string;
  anonymousId: string;
  userId?: string | null;
  context: Properties;
}

/** The parts of a call, whichever of them were left out. */
export interface Call {
  readonly texts: readonly (string | undefined)[];
  readonly values: Properties;
  readonly options: Options;
  readonly callback: Callback | undefined;
}

/** Read the arguments of a call: up to `most` texts, an object of values, options, a callback; all may be missing. */
export function readCall(parameters: readonly unknown[], most: number): Call {
  const texts: (string | undefined)[] = [];
  const objects: Properties[] = [];
  let callback: Callback | undefined;
  for (const parameter of parameters) {
    if (typeof parameter === "function") callback = parameter as Callback;
    else if (typeof parameter === "object" && parameter) objects.push(parameter as Properties);
    else if (!objects.length && texts.length < most) texts.push(parameter == null ? undefined : String(parameter));
    else objects.push({});
  }
  return { texts, values: objects[0] ?? {}, options: (objects[1] ?? {}) as Options, callback };
}

/** Campaign parameters of an address: utm_campaign is `name`, the others go without the prefix. */
export function campaignOf(search: string): Properties | undefined {
  const campaign: Properties = {};
  new URLSearchParams(search).forEach((value, name) => {
    if (name.startsWith("utm_")) campaign[name === "utm_campaign" ? "name" : name.slice(4)] = value;
  });
  return Object.keys(campaign).length ? campaign : undefined;
}

let known: Properties | undefined;

/** What does not change while a page is open. */
function browserContext(): Properties {
  const { userAgent, language: locale } = navigator;
  const { brands, mobile, platform } = (navigator as { userAgentData?: Properties }).userAgentData ?? {};
  const { width, height } = screen;
  return {
    userAgent,
    userAgentData: brands && { brands, mobile, platform },
    locale,
    // The first formatter of a page can take 60 ms on a slow phone, so it is made only where there is no other way.
    timezone: (window as Clocks).Temporal?.Now.timeZoneId() ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    screen: { width, height, density: devicePixelRatio },
  };
}

/** What every event says about the browser. */
export function contextOf({ search }: PageContext, version: string): Properties {
  known ??= browserContext();
  return { library: { name: "headwater.js", version }, campaign: campaignOf(search), ...known };
}
