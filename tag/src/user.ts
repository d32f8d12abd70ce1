import { readCookie, removeCookie, widestDomain, writeCookie } from "./cookies";
import { uuid } from "./ids";
import { localShelf, memoryShelf, readObject } from "./storage";

export type Traits = Record<string, unknown>;

// The names that Segment's browser SDK uses, so that a site that changes to this tag keeps its visitors.
const ANONYMOUS_ID = "ajs_anonymous_id";
const USER_ID = "ajs_user_id";
const USER_TRAITS = "ajs_user_traits";
const GROUP_ID = "ajs_group_id";
const GROUP_TRAITS = "ajs_group_properties";
const NAMES = [ANONYMOUS_ID, USER_ID, USER_TRAITS, GROUP_ID, GROUP_TRAITS];
const IN_COOKIES = [ANONYMOUS_ID, USER_ID];

export type User = ReturnType<typeof createUser>;

/**
 * Who the visitor is. Kept in memory until `persist`, which consent decides; then in first-party cookies and local
 * storage. What the page sets while in memory is kept; an id that was only made up gives way to a stored one.
 * `onNewId` is called where the server is to set the cookie: one that is written by script would live for days only.
 */
export function createUser(onNewId: (id: string) => void) {
  let shelf = memoryShelf();
  let madeUp = "";
  let domain = "";
  let serverCookie = false;

  const persistent = (): boolean => shelf === localShelf;

  function text(name: string): string | null {
    const stored = (persistent() && readCookie(name)) || shelf.get(name);
    // Segment's SDK writes texts with JSON quotes into local storage.
    return stored && stored.replace(/^"(.*)"$/, "$1");
  }

  function put(name: string, value: string): void {
    const changed = text(name) !== value;
    shelf.set(name, value);
    if (!persistent() || !IN_COOKIES.includes(name)) return;
    if (serverCookie && name === ANONYMOUS_ID) {
      if (changed) removeCookie(name, domain);
      onNewId(value);
    } else writeCookie(name, value, domain);
  }

  function drop(name: string): void {
    shelf.remove(name);
    if (persistent()) removeCookie(name, domain);
  }

  function json(name: string, value?: Traits): Traits {
    if (value) put(name, JSON.stringify(value));
    return readObject(shelf, name);
  }

  function clear(): void {
    NAMES.forEach(drop);
    madeUp = "";
  }

  function anonymousId(value?: string | null): string {
    if (value) put(ANONYMOUS_ID, value);
    if (value === null) {
      drop(ANONYMOUS_ID);
      madeUp = "";
    }
    const known = text(ANONYMOUS_ID) || (madeUp ||= uuid());
    if (persistent() && !shelf.get(ANONYMOUS_ID)) put(ANONYMOUS_ID, known);
    return known;
  }

  return {
    persistent,
    domain: () => domain,
    anonymousId,
    clear,

    persist(asked: string | undefined, byServer: boolean): void {
      const before = shelf;
      domain = asked ?? widestDomain();
      serverCookie = byServer;
      shelf = localShelf;
      for (const name of before.keys("")) put(name, before.get(name)!);
      anonymousId();
    },

    /** Forget everything, everywhere, and stay in memory. */
    forget(): void {
      shelf = localShelf;
      clear();
      shelf = memoryShelf();
    },

    id(value?: string | null): string | null {
      if (value === null) drop(USER_ID);
      else if (value !== undefined) put(USER_ID, value);
      return text(USER_ID);
    },

    groupId(value?: string): string | null {
      if (value) put(GROUP_ID, value);
      return text(GROUP_ID);
    },

    traits: (value?: Traits): Traits => json(USER_TRAITS, value),
    groupTraits: (value?: Traits): Traits => json(GROUP_TRAITS, value),
  };
}
