import * as cookies from "./cookies";
import { uuid } from "./ids";
import { LocalShelf, MemoryShelf, type Shelf } from "./storage";

export type Traits = Record<string, unknown>;

// The names that Segment's browser SDK uses, so that a site that changes to this tag keeps its visitors.
const ANONYMOUS_ID = "ajs_anonymous_id";
const USER_ID = "ajs_user_id";
const USER_TRAITS = "ajs_user_traits";
const GROUP_ID = "ajs_group_id";
const GROUP_TRAITS = "ajs_group_properties";
const NAMES = [ANONYMOUS_ID, USER_ID, USER_TRAITS, GROUP_ID, GROUP_TRAITS];
const IN_COOKIES = [ANONYMOUS_ID, USER_ID];

/**
 * Who the visitor is. Kept in memory until `persist`, which consent decides; then in first-party cookies and local
 * storage. What the page sets while in memory is kept; an id that was only made up gives way to a stored one.
 */
export class User {
  private shelf: Shelf = new MemoryShelf();
  private madeUp = "";
  private domain = "";
  /** The server sets the cookie of the anonymous id: a cookie written by script would live for a few days only. */
  private serverCookie = false;

  constructor(private readonly onNewId: (id: string) => void) {}

  get persistent(): boolean {
    return this.shelf instanceof LocalShelf;
  }

  get cookieDomain(): string {
    return this.domain;
  }

  persist(domain: string | undefined, serverCookie: boolean): void {
    if (this.persistent) return;
    const before = this.shelf;
    this.domain = domain ?? cookies.widestDomain();
    this.serverCookie = serverCookie;
    this.shelf = new LocalShelf();
    for (const name of before.keys("")) this.put(name, before.get(name)!);
    this.anonymousId();
  }

  /** Forget everything, everywhere, and stay in memory. */
  forget(): void {
    this.clear();
    this.shelf = new MemoryShelf();
  }

  /** A new visitor: `reset()` of the API. */
  clear(): void {
    for (const name of NAMES) this.drop(name);
    this.madeUp = "";
  }

  anonymousId(value?: string | null): string {
    if (value) this.put(ANONYMOUS_ID, value);
    if (value === null) this.drop(ANONYMOUS_ID);
    const known = this.text(ANONYMOUS_ID);
    if (known) {
      if (this.persistent && !this.shelf.get(ANONYMOUS_ID)) this.put(ANONYMOUS_ID, known);
      return known;
    }
    this.madeUp = (value !== null && this.madeUp) || uuid();
    if (this.persistent) this.put(ANONYMOUS_ID, this.madeUp);
    return this.madeUp;
  }

  id(value?: string | null): string | null {
    if (value === null) this.drop(USER_ID);
    else if (value !== undefined) this.put(USER_ID, value);
    return this.text(USER_ID);
  }

  traits(value?: Traits): Traits {
    return this.json(USER_TRAITS, value);
  }

  groupId(value?: string): string | null {
    if (value !== undefined) this.put(GROUP_ID, value);
    return this.text(GROUP_ID);
  }

  groupTraits(value?: Traits): Traits {
    return this.json(GROUP_TRAITS, value);
  }

  private json(name: string, value?: Traits): Traits {
    if (value) this.put(name, JSON.stringify(value));
    try {
      return JSON.parse(this.shelf.get(name) ?? "{}");
    } catch {
      return {};
    }
  }

  private text(name: string): string | null {
    const cookie = this.persistent ? cookies.read(name) : null;
    const stored = cookie || this.shelf.get(name);
    // Segment's SDK writes texts with JSON quotes into local storage.
    return stored ? stored.replace(/^"(.*)"$/, "$1") : null;
  }

  private put(name: string, value: string): void {
    const changed = this.text(name) !== value;
    this.shelf.set(name, value);
    if (!this.persistent || !IN_COOKIES.includes(name)) return;
    if (this.serverCookie && name === ANONYMOUS_ID) {
      if (changed) cookies.remove(name, this.domain);
      this.onNewId(value);
    } else cookies.write(name, value, this.domain);
  }

  private drop(name: string): void {
    this.shelf.remove(name);
    if (this.persistent && IN_COOKIES.includes(name)) cookies.remove(name, this.domain);
  }
}
