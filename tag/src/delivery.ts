import { uuid } from "./ids";
import { post } from "./requests";
import { localShelf, memoryShelf } from "./storage";

/** Browsers take at most 64 KB of bodies that may outlive the page, all such requests together. */
const KEEPALIVE_BYTES = 60_000;
const BATCH_BYTES = 400_000;
const BATCH_EVENTS = 100;
/** The collector refuses larger events. */
const EVENT_BYTES = 32_000;
const QUEUE_EVENTS = 1_000;
/** How often the queue is measured. */
const CHECK_EVENTS = 50;
const GATHER_MS = 250;
const OTHER_TAB_MS = 1_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;

/** What an answer means for the events that were sent. */
type Verdict = "done" | "refused" | "split" | "again";

/** Decide by status; 0 is no answer at all. The same statuses are final for Segment's SDKs. */
export function verdict(status: number): Verdict {
  if (status >= 200 && status < 400) return "done";
  if (status === 413) return "split";
  if ([0, 408, 410, 429, 460].includes(status)) return "again";
  return status >= 500 && ![501, 505, 511].includes(status) ? "again" : "refused";
}

// Not the size of a blob: to make one costs a hundred times as much.
const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
const sortable = (value: number): string => value.toString(36).padStart(9, "0");

/**
 * The queue and its sender. Each event is one entry of the shelf until the server has answered for it, so an event
 * outlives the page once the queue is persistent. All pages of a site share the queue; a lock lets one of them send.
 * An event whose answer was never seen is sent again with its messageId, and the server counts it once.
 */
export function createDelivery(base: string, writeKey: string, log: (...what: unknown[]) => void) {
  const prefix = `hw_q:${writeKey}:`;
  const page = uuid();
  const url = base + "/v1/b";
  let shelf = memoryShelf();
  let counter = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = 0;
  let notBefore = 0;
  let sending = false;
  let limit = BATCH_EVENTS;
  let aborter: AbortController;
  /** Entries that are in a request under way. */
  const leaving = new Set<string>();
  let leavingBytes = 0;

  const drop = (reason: string, what?: unknown): void => log("dropped: " + reason, what);
  const waiting = (): string[] => shelf.keys(prefix).filter((key) => !leaving.has(key));

  function schedule(delay: number): void {
    clearTimeout(timer);
    timer = setTimeout(flush, Math.max(delay, notBefore - Date.now()));
  }

  function makeRoom(): void {
    for (const key of shelf.keys(prefix).slice(0, -QUEUE_EVENTS)) {
      shelf.remove(key);
      drop("queue full");
    }
  }

  function move(to: typeof shelf): void {
    const before = shelf;
    shelf = to;
    for (const key of before.keys(prefix)) {
      if (shelf.set(key, before.get(key)!) && to === localShelf) before.remove(key);
    }
  }

  function batch(bytes: number, events: number): [keys: string[], body: string] {
    const keys: string[] = [];
    const texts: string[] = [];
    let room = bytes - 200;
    for (const key of waiting()) {
      const text = shelf.get(key);
      if (!text) continue;
      room -= bytesOf(text) + 1;
      if (room < 0 || keys.length >= events) break;
      keys.push(key);
      texts.push(text);
    }
    return [keys, `{"writeKey":${JSON.stringify(writeKey)},"sentAt":"${new Date().toISOString()}","batch":[${texts}]}`];
  }

  async function send(keys: string[], body: string): Promise<void> {
    const size = bytesOf(body);
    const keepalive = leavingBytes + size <= KEEPALIVE_BYTES;
    const counted = keepalive ? size : 0;
    leavingBytes += counted;
    keys.forEach((key) => leaving.add(key));
    const reply = await post(url, body, keepalive, (aborter = new AbortController()));
    leavingBytes -= counted;
    keys.forEach((key) => leaving.delete(key));
    settle(keys, reply?.status ?? 0, parseInt(reply?.headers.get("Retry-After") ?? "", 10) * 1_000);
  }

  function settle(keys: string[], status: number, after: number): void {
    const decided = verdict(status);
    log("sent", keys.length, status, decided);
    if (decided === "again") {
      wait = Math.min(wait * 2 || FIRST_WAIT_MS, LONGEST_WAIT_MS);
      notBefore = Date.now() + (after >= 0 ? after : wait * (0.9 + Math.random() / 5));
      return;
    }
    wait = 0;
    limit = BATCH_EVENTS;
    if (decided === "split" && keys.length > 1) limit = keys.length >> 1;
    else {
      for (const key of keys) {
        shelf.remove(key);
        if (decided !== "done") drop("refused");
      }
    }
  }

  async function sendAll(): Promise<void> {
    while (Date.now() >= notBefore) {
      const [keys, body] = batch(BATCH_BYTES, limit);
      if (!keys.length) return;
      await send(keys, body);
    }
  }

  async function flush(): Promise<void> {
    if (sending || !navigator.onLine) return;
    sending = true;
    if (shelf === localShelf && navigator.locks) {
      const act = async (lock: Lock | null): Promise<void> => {
        if (lock) await sendAll();
        else notBefore = Date.now() + OTHER_TAB_MS;
      };
      // A page that is being left gets no lock; its events wait on the shelf.
      await navigator.locks.request(prefix, { ifAvailable: true }, act).catch(() => {});
    } else await sendAll();
    sending = false;
    if (waiting().length) schedule(GATHER_MS);
  }

  addEventListener("online", () => {
    notBefore = 0;
    schedule(0);
  });

  return {
    push(event: object): void {
      const text = JSON.stringify(event);
      if (bytesOf(text) > EVENT_BYTES) return drop("larger than 32 KB", event);
      if (counter % CHECK_EVENTS === 0) makeRoom();
      const key = prefix + sortable(Date.now()) + sortable(counter++) + page;
      if (!shelf.set(key, text)) {
        // No room, or storage is closed.
        move(memoryShelf());
        shelf.set(key, text);
      }
      schedule(GATHER_MS);
    },

    /** From now on the queue survives the page; what earlier pages left behind is sent too. */
    persist(): void {
      move(localShelf);
      schedule(0);
    },

    /** Throw the queue away: consent was withdrawn. */
    clear(): void {
      aborter?.abort();
      for (const from of [shelf, localShelf]) for (const key of from.keys(prefix)) from.remove(key);
      shelf = memoryShelf();
    },

    /** Send as much as may outlive the page, without waiting for anything. The rest waits on the shelf. */
    unload(): void {
      if (!navigator.onLine) return;
      const [keys, body] = batch(KEEPALIVE_BYTES - leavingBytes, QUEUE_EVENTS);
      if (!keys.length) return;
      if ("keepalive" in Request.prototype) void send(keys, body);
      else navigator.sendBeacon(url, body);
    },
  };
}
