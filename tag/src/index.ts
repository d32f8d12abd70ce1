import { createAnalytics } from "./analytics";

/**
 * The entry. The page's early calls wait in an array `window.analytics`: `["track", "Signed Up", {…}]`. The write key
 * stands in the script's address, in its attribute `data-write-key`, in the array's `_writeKey`, or comes with `load`.
 * Events go to the address that the script came from.
 */
type Queue = unknown[] & Record<string, unknown>;

const SCRIPT = /\/(?:analytics\.js\/v1\/([\w-]+)\/)?[^/]*$/;

function begin(): void {
  const page = window as unknown as { analytics?: Queue };
  const queue = (page.analytics ??= [] as unknown as Queue);
  // A second copy of the script, or another SDK that is already at work.
  if (!Array.isArray(queue) || queue.initialized) return;
  const script = document.currentScript as HTMLScriptElement | null;
  const { origin, pathname } = new URL(script?.src ?? location.href);
  const base = origin + pathname.replace(SCRIPT, "");

  function replay([method, ...parameters]: unknown[]): void {
    const call = queue[method as string];
    // The last parameter of Segment's snippet describes the page at the time of the call; it is still the same page.
    const own = parameters.filter((parameter) => (parameter as { __t?: string } | null)?.__t !== "bpc");
    if (typeof call === "function" && method !== "load") call(...own);
  }

  function load(writeKey: unknown): Queue {
    const early = queue.splice(0) as unknown[][];
    const api = createAnalytics(base, writeKey as string);
    // Pages may have kept the array itself, so it becomes the API too.
    Object.assign(queue, api, { load: () => queue, push: replay, initialized: true });
    early.forEach(replay);
    return queue;
  }

  const called = (queue as unknown[][]).find(([method]) => method === "load");
  const key = script?.dataset.writeKey ?? SCRIPT.exec(pathname)?.[1] ?? queue._writeKey ?? called?.[1];
  if (key) load(key);
  else queue.load = load;
}

begin();
