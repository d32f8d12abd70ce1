import { listen } from "./page";
import { uuid } from "./ids";
import { now } from "./moments";

/** One page view: a load, a navigation inside the page, or a return from the back/forward cache. */
export interface View {
  readonly id: string;
  /** Its start in milliseconds of `now`. */
  readonly start: number;
  readonly page: PageContext;
  /** A page event was sent for it. */
  paged: boolean;
}

export interface PageContext {
  readonly path: string;
  readonly referrer: string;
  readonly search: string;
  title: string;
  readonly url: string;
}

/** Why a view reports: the page was hidden and may come back, the next view begins, or the page is left. */
export type Reason = "hidden" | "next" | "leave";

export type Views = ReturnType<typeof createViews>;

const address = (): string => location.href.split("#")[0]!;

/**
 * Follows the page views of a document. Captures report what they have when the page is hidden (a phone may never show
 * it again), and finally when the view ends; a new view starts them from zero. `afterReport` comes last.
 */
export function createViews(afterReport: (reason: Reason) => void) {
  const starts: (() => void)[] = [];
  const reports: ((reason: Reason) => void)[] = [];
  let gone = false;
  let current = open(document.referrer);

  function open(referrer: string): View {
    const { pathname: path, search } = location;
    return { id: uuid(), start: now(), page: { path, referrer, search, title: document.title, url: address() }, paged: false };
  }

  function report(reason: Reason): void {
    reports.forEach((listener) => listener(reason));
    afterReport(reason);
  }

  function begin(referrer: string): void {
    current = open(referrer);
    starts.forEach((listener) => listener());
  }

  function check(): void {
    const { url } = current.page;
    if (url === address()) return;
    report("next");
    begin(url);
  }

  addEventListener("pagehide", () => {
    gone = true;
    report("leave");
  });
  addEventListener("pageshow", ({ persisted }) => {
    gone = false;
    if (persisted) begin(current.page.referrer);
  });
  listen("visibilitychange", () => {
    // On leaving, browsers tell of the hidden page after `pagehide`.
    if (document.hidden && !gone) report("hidden");
  });
  addEventListener("popstate", check);
  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (...parameters) {
      original.apply(this, parameters);
      check();
    };
  }

  return {
    current: () => current,
    /** Milliseconds since the current view began. */
    age: () => now() - current.start,
    onStart: (listener: () => void) => void starts.push(listener),
    onReport: (listener: (reason: Reason) => void) => void reports.push(listener),
  };
}
