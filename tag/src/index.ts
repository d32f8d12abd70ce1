import { Analytics } from "./analytics";

/**
 * The entry. The page's early calls wait in an array `window.analytics`: `["track", "Signed Up", {…}]`. The write key
 * stands in the script's address, in its attribute `data-write-key`, in the array's `_writeKey`, or comes with `load`.
 * Events go to the address that the script came from.
 */
type Queue = unknown[] & Record<string, unknown>;

const SDK_PATH = /\/analytics\.js\/v1\/([\w-]+)\/analytics(\.min)?\.js$/;

function begin(): void {
  const page = window as unknown as { analytics?: Queue };
  const queue = (page.analytics ??= [] as unknown as Queue);
  // A second copy of the script, or another SDK that is already at work.
  if (!Array.isArray(queue) || queue.headwater) return;

  const script = (document.currentScript ?? document.querySelector("script[src*='headwater.js']")) as HTMLScriptElement | null;
  const { origin, pathname } = new URL(script?.src ?? location.href);
  const [sdkPath, sdkKey] = SDK_PATH.exec(pathname) ?? [];
  const folder = sdkPath ? pathname.slice(0, -sdkPath.length) : pathname.slice(0, pathname.lastIndexOf("/"));
  const base = origin + folder;
  const early = queue.splice(0) as unknown[][];

  function run(writeKey: string): void {
    const api = new Analytics(base, writeKey);
    // Pages may have kept the array itself, so it becomes the API too.
    Object.assign(queue, api, { load: () => queue, initialized: true, headwater: true, push: (call: unknown[]) => replay(call) });
    const replay = ([method, ...parameters]: unknown[]): number => {
      const call = queue[method as string];
      // The last parameter of Segment's snippet describes the page at the time of the call; it is still the same page.
      const own = parameters.filter((parameter) => (parameter as { __t?: string } | null)?.__t !== "bpc");
      if (typeof call === "function" && method !== "load" && method !== "push") call(...own);
      return 0;
    };
    early.forEach(replay);
  }

  const key = script?.dataset.writeKey ?? sdkKey ?? queue._writeKey ?? early.find(([method]) => method === "load")?.[1];
  if (key) run(key as string);
  else {
    queue.push(...(early as []));
    queue.load = (writeKey: string) => {
      early.splice(0, early.length, ...(queue.splice(0) as unknown[][]));
      run(writeKey);
      return queue;
    };
  }
}

begin();
