import { uuid } from "./ids";

/** One page view: a load, a navigation inside the page, or a return from the back/forward cache. */
export interface View {
  readonly id: string;
  /** `performance.now()` at its start. */
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
type Listener = (reason: Reason) => void;

const pageOf = (referrer: string): PageContext => ({
  path: location.pathname,
  referrer,
  search: location.search,
  title: document.title,
  url: location.href.split("#")[0]!,
});

/**
 * Follows the page views of a document. Captures report what they have when the page is hidden (a phone may never show
 * it again), and finally when the view ends; a new view starts them from zero.
 */
export class Views {
  current: View = this.open(document.referrer);
  private readonly starts: (() => void)[] = [];
  private readonly reports: Listener[] = [];
  private gone = false;

  constructor(private readonly afterReport: (reason: Reason) => void) {
    addEventListener("pagehide", () => this.leave());
    addEventListener("pageshow", (event) => {
      if (!this.gone) return;
      this.gone = false;
      if (event.persisted) this.begin(this.current.page.referrer);
    });
    document.addEventListener("visibilitychange", () => {
      // On leaving, browsers tell of the hidden page after `pagehide`.
      if (document.visibilityState === "hidden" && !this.gone) this.report("hidden");
    });
    this.watchHistory();
  }

  onStart(listener: () => void): void {
    this.starts.push(listener);
  }

  onReport(listener: Listener): void {
    this.reports.push(listener);
  }

  private leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.report("leave");
  }

  private report(reason: Reason): void {
    for (const listener of this.reports) listener(reason);
    this.afterReport(reason);
  }

  private open(referrer: string): View {
    return { id: uuid(), start: performance.now(), page: pageOf(referrer), paged: false };
  }

  private begin(referrer: string): void {
    this.current = this.open(referrer);
    for (const listener of this.starts) listener();
  }

  private watchHistory(): void {
    const check = (): void => {
      const { url } = this.current.page;
      if (url === location.href.split("#")[0]) return;
      this.report("next");
      this.begin(url);
    };
    for (const name of ["pushState", "replaceState"] as const) {
      const original = history[name];
      history[name] = function (...parameters) {
        original.apply(this, parameters);
        check();
      };
    }
    addEventListener("popstate", check);
  }
}
