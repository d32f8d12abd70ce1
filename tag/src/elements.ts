import type { Properties } from "./hub";

const TEXT_LENGTH = 80;

/** Things that a visitor can act on, and what the site marked. */
export const INTERACTIVE = "a[href],button,summary,[role=button],[role=link],[role=tab],[role=menuitem],[type=submit],[type=button]";

/** The innermost element of an event, also inside open shadow trees; null for the document. */
export function innermost(event: Event): Element | null {
  const target = event.target as Element | null;
  // The path is an array made for the question, so it is asked for only where a shadow tree hides the element.
  const inner = target?.shadowRoot ? (event.composedPath()[0] as Element) : target;
  return inner?.closest ? inner : null;
}

/** The innermost element of an event that matches. */
export const closest = (event: Event, selector: string): Element | null => innermost(event)?.closest(selector) ?? null;

// A field named "id" hides the property `id` of its form.
const idOf = (element: Element): string | null => element.getAttribute("id");

/** How events name an element: the site's own name for it (`data-hw-name`), else its id or name. */
export function nameOf(element: Element): string {
  return element.getAttribute("data-hw-name") || idOf(element) || element.getAttribute("name") || element.localName;
}

/** Element, tag, id and, for links and buttons, the visible text. Never the content of a field. */
export function describe(element: Element): Properties {
  const properties: Properties = { element: nameOf(element), element_tag: element.localName };
  const id = idOf(element);
  if (id) properties.element_id = id;
  if (element.matches("a,button") && !element.closest("[data-hw-mask]")) {
    const text = element.getAttribute("aria-label") ?? element.textContent ?? "";
    properties.element_text = text.replace(/\s+/g, " ").trim().slice(0, TEXT_LENGTH);
  }
  return properties;
}
