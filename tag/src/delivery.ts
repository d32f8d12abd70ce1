import { uuid } from "./ids";
import { LocalShelf, MemoryShelf, type Shelf } from "./storage";

/** Browsers take at most 64 KB of bodies that may outlive the page, all such requests together. */
const KEEPALIVE_BYTES = 60_000;
const BATCH_BYTES = 400_000;
const BATCH_EVENTS = 100;
/** The collector refuses larger events. */
const EVENT_BYTES = 32_000;
const QUEUE_EVENTS = 1_000;
const GATHER_MS = 250;
const TIMEOUT_MS = 15_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;

/** What an answer means for the events that were sent. */
export type Verdict = "done" | "refused" | "split" | "again";

/** Decide by status; 0 is no answer at all. The same statuses are final for Segment's SDKs. */
export function verdict(status: number): Verdict {
  if (status >= 200 && status < 400) return "done";
  if (status === 413) return "split";
  if (status === 0 || [408, 410, 429, 460].includes(status)) return "again";
  return status >= 500 && ![501, 505, 511].includes(status) ? "again" : "refused";
}

const bytesOf = (text: string): number => new Blob([text]).size;

/**
 * The queue and its sender. Each event is one entry of the shelf until the server has answered for it, so an event
 * outlives the page once the queue is persistent. All pages of a site share the queue; a lock lets one of them send.
 * An event whose answer was never seen is sent again with its messageId, and the server counts it once.
 */
export class Delivery {
  private shelf: Shelf = new MemoryShelf();
  private readonly prefix: string;
  private readonly page = uuid().slice(0, 8);
  private counter = 0;
  private timer = 0;
  private wait = 0;
  private notBefore = 0;
  private sending = false;
  private limit = BATCH_EVENTS;
  private aborter: AbortController | undefined;
  /** Entries in a request that outlives the page. */
  private readonly leaving = new Set<string>();
  private leavingBytes = 0;
  dropped = 0;

  constructor(
    private readonly base: string,
    private readonly writeKey: string,
    private readonly log: (...what: unknown[]) => void,
  ) {
    this.prefix = `hw_q:${writeKey}:`;
    addEventListener("online", () => {
      this.notBefore = 0;
      this.schedule(0);
    });
  }

  /** From now on the queue survives the page; what earlier pages left behind is sent too. */
  persist(): void {
    const before = this.shelf;
    this.shelf = new LocalShelf();
    for (const key of before.keys("")) if (this.shelf.set(key, before.get(key)!)) before.remove(key);
    this.schedule(0);
  }

  /** Throw the queue away: consent was withdrawn. */
  clear(): void {
    this.aborter?.abort();
    for (const key of this.shelf.keys(this.prefix)) this.shelf.remove(key);
    this.shelf = new MemoryShelf();
  }

  push(event: object): void {
    const text = JSON.stringify(event);
    if (bytesOf(text) > EVENT_BYTES) {
      this.drop("an event is larger than 32 KB", event);
      return;
    }
    const waiting = this.shelf.keys(this.prefix);
    if (waiting.length >= QUEUE_EVENTS) {
      this.shelf.remove(waiting[0]!);
      this.drop("the queue is full, the oldest event goes");
    }
    const key = `${this.prefix}${Date.now().toString(36).padStart(9, "0")}${(this.counter++).toString(36).padStart(5, "0")}${this.page}`;
    if (!this.shelf.set(key, text)) {
      this.log("storage is full or closed: the queue stays in memory");
      const before = this.shelf;
      this.shelf = new MemoryShelf();
      for (const kept of before.keys(this.prefix)) this.shelf.set(kept, before.get(kept)!);
      this.shelf.set(key, text);
    }
    this.schedule(GATHER_MS);
  }

  /** Send as much as may outlive the page, without waiting for anything. The rest waits on the shelf. */
  unload(): void {
    if (!navigator.onLine) return;
    const { keys, body } = this.batch(KEEPALIVE_BYTES - this.leavingBytes, BATCH_EVENTS * 5);
    if (keys.length && !("keepalive" in Request.prototype && this.post(keys, body))) navigator.sendBeacon(this.url, body);
  }

  private get url(): string {
    return this.base + "/v1/b";
  }

  private drop(reason: string, what?: unknown): void {
    this.dropped++;
    this.log("dropped: " + reason, what);
  }

  private schedule(delay: number): void {
    const due = Math.max(delay, this.notBefore - Date.now());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), due) as unknown as number;
  }

  private async flush(): Promise<void> {
    if (this.sending || !navigator.onLine) return;
    this.sending = true;
    const locks = this.shelf instanceof LocalShelf ? navigator.locks : undefined;
    try {
      if (locks) {
        await locks.request(this.prefix, { ifAvailable: true }, async (lock) => {
          if (lock) await this.sendAll();
          else this.notBefore = Date.now() + 1_000;
        });
      } else await this.sendAll();
    } finally {
      this.sending = false;
    }
    if (this.shelf.keys(this.prefix).some((key) => !this.leaving.has(key))) this.schedule(GATHER_MS);
  }

  private async sendAll(): Promise<void> {
    while (Date.now() >= this.notBefore) {
      const { keys, body } = this.batch(BATCH_BYTES, this.limit);
      if (!keys.length) return;
      await this.post(keys, body);
    }
  }

  private batch(bytes: number, events: number): { keys: string[]; body: string } {
    const keys: string[] = [];
    const texts: string[] = [];
    let room = bytes - 200;
    for (const key of this.shelf.keys(this.prefix)) {
      const text = this.leaving.has(key) ? null : this.shelf.get(key);
      if (text === null) continue;
      room -= bytesOf(text) + 1;
      if (room < 0 || keys.length >= events) break;
      keys.push(key);
      texts.push(text);
    }
    const sentAt = new Date().toISOString();
    return { keys, body: `{"writeKey":${JSON.stringify(this.writeKey)},"sentAt":"${sentAt}","batch":[${texts.join()}]}` };
  }

  private async post(keys: string[], body: string): Promise<void> {
    const size = bytesOf(body);
    const keepalive = this.leavingBytes + size <= KEEPALIVE_BYTES;
    if (keepalive) this.leavingBytes += size;
    for (const key of keys) this.leaving.add(key);
    const aborter = (this.aborter = new AbortController());
    const timeout = setTimeout(() => aborter.abort(), TIMEOUT_MS);
    let status = 0;
    let after = NaN;
    try {
      // As plain text the request needs no permission from the server first when it goes to another origin.
      const headers = { "Content-Type": "text/plain" };
      const reply = await fetch(this.url, { method: "POST", body, keepalive, headers, signal: aborter.signal });
      status = reply.status;
      after = parseInt(reply.headers.get("Retry-After") ?? "", 10) * 1_000;
    } catch (fault) {
      this.log("not sent", fault);
    }
    clearTimeout(timeout);
    if (keepalive) this.leavingBytes -= size;
    for (const key of keys) this.leaving.delete(key);
    this.settle(keys, verdict(status), status, after);
  }

  private settle(keys: string[], decided: Verdict, status: number, after: number): void {
    if (decided === "again") {
      this.wait = Math.min(this.wait ? this.wait * 2 : FIRST_WAIT_MS, LONGEST_WAIT_MS);
      this.notBefore = Date.now() + (after >= 0 ? after : this.wait * (0.9 + Math.random() / 5));
      this.schedule(0);
      return;
    }
    this.wait = 0;
    this.limit = BATCH_EVENTS;
    if (decided === "split" && keys.length > 1) {
      this.limit = keys.length >> 1;
      return;
    }
    for (const key of keys) {
      this.shelf.remove(key);
      if (decided !== "done") this.drop(`the server refused with status ${status}`);
    }
    this.log("delivered", keys.length, status);
  }
}
