const PULSE_MS = 400;
const TYPES = ["pointermove", "pointerdown", "keydown", "scroll"];
const OPTIONS = { capture: true, passive: true };

/** What happened since the last pulse: the first event of each type that there was. */
export type Seen = Partial<Record<string, Event>>;

const watchers: ((seen: Seen) => void)[] = [];
let seen: Seen = {};
let timer: unknown;

const later = (): unknown => (timer ||= setTimeout(pulse, PULSE_MS));

function note(event: Event): void {
  removeEventListener(event.type, note, OPTIONS);
  seen[event.type] = event;
  later();
}

function pulse(): void {
  const before = seen;
  seen = {};
  timer = 0;
  for (const watcher of watchers) watcher(before);
  for (const type in before) {
    addEventListener(type, note, OPTIONS);
    later();
  }
}

/**
 * Be told that the visitor does something, about twice a second at most, and once more, with nothing seen, when all is
 * quiet again. In between nobody listens to what was seen already: a mouse or a wheel brings hundreds of events in a
 * second, and a page pays for each one that is listened to.
 */
export function onActivity(watcher: (seen: Seen) => void): void {
  if (watchers.push(watcher) > 1) return;
  for (const type of TYPES) addEventListener(type, note, OPTIONS);
}
