/** Text by key. */
export interface Shelf {
  get(key: string): string | null;
  /** False where there is no room. */
  set(key: string, value: string): boolean;
  remove(key: string): void;
  /** Keys with this beginning, in order. */
  keys(prefix: string): string[];
}

export class MemoryShelf implements Shelf {
  private readonly values = new Map<string, string>();
  get(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  set(key: string, value: string): boolean {
    this.values.set(key, value);
    return true;
  }
  remove(key: string): void {
    this.values.delete(key);
  }
  keys(prefix: string): string[] {
    return [...this.values.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}

/** Local storage. Every access may throw: it can be switched off, full, or forbidden in this frame. */
export class LocalShelf implements Shelf {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  }
  set(key: string, value: string): boolean {
    try {
      localStorage.setItem(key, value);
      return true;
    } catch {
      return false;
    }
  }
  remove(key: string): void {
    try {
      localStorage.removeItem(key);
    } catch {
      // What could not be written needs no removal.
    }
  }
  keys(prefix: string): string[] {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(prefix)).sort();
    } catch {
      return [];
    }
  }
}
