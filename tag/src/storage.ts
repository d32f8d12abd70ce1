/** Text by key. */
export interface Shelf {
  get(key: string): string | null;
  /** False where there is no room. */
  set(key: string, value: string): boolean;
  remove(key: string): void;
  /** Keys with this beginning, in order. */
  keys(prefix: string): string[];
}

export function memoryShelf(): Shelf {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => !!values.set(key, value),
    remove: (key) => void values.delete(key),
    keys: (prefix) => beginning(prefix, [...values.keys()]),
  };
}

/** Local storage. Every access may throw: it can be switched off, full, or forbidden in this frame. */
export const localShelf: Shelf = {
  get: (key) => attempt(() => localStorage.getItem(key), null),
  set: (key, value) => attempt(() => (localStorage.setItem(key, value), true), false),
  remove: (key) => attempt(() => localStorage.removeItem(key), undefined),
  keys: (prefix) => attempt(() => beginning(prefix, Object.keys(localStorage)), []),
};

const beginning = (prefix: string, keys: string[]): string[] => keys.filter((key) => key.startsWith(prefix)).sort();

/** What `act` gives, `otherwise` where it throws. */
export function attempt<T>(act: () => T, otherwise: T): T {
  try {
    return act();
  } catch {
    return otherwise;
  }
}

/** A JSON object on a shelf, an empty one where there is none. */
export const readObject = (shelf: Shelf, key: string): Record<string, any> =>
  attempt(() => JSON.parse(shelf.get(key)!), null) ?? {};
