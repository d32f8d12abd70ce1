import { nameOf } from "../elements";
import type { Hub, Properties } from "../hub";
import { listen } from "../page";
import { now } from "../moments";

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

const FIELDS = "input,select,textarea";
const NO_FIELDS = /submit|button|reset|image|hidden/;
const VALUE_LENGTH = 200;
const SECRET_KINDS = /^(password|hidden|file)$/;
const SECRET_PURPOSES = /\b(cc-|one-time-code|current-password|new-password)/;
const SECRET_NAMES = /pass|card|cvc|cvv|cc-?num|iban|ssn|otp|one-?time|secret|token|\bpin\b/i;

/** Fields that were secret once stay so: "show password" turns them into text fields. */
const secrets = new WeakSet<Element>();

/** Whether a field may never be sent, whatever the settings say. */
export function isSecret(field: Field): boolean {
  const purpose = field.getAttribute("autocomplete") ?? "";
  const names = `${field.name} ${field.id}`;
  if (SECRET_KINDS.test(field.type) || SECRET_PURPOSES.test(purpose) || SECRET_NAMES.test(names)) secrets.add(field);
  return secrets.has(field);
}

/** Why a field is in error, by kind. The browser's message would quote what was typed. */
function faultOf(field: Field): string | undefined {
  for (const name in field.validity) if (name !== "valid" && field.validity[name as keyof ValidityState]) return name;
  return field.getAttribute("aria-invalid") === "true" ? "marked" : undefined;
}

interface Visit {
  readonly form: Element;
  readonly start: number;
  readonly order: string[];
  lastField: string;
  errors: number;
}

/** `Form Started`, `Form Field Completed`, `Form Error Shown`, `Form Submitted`, `Form Abandoned`. */
export function forms(hub: Hub): void {
  let visits = new Map<Element, Visit>();
  let field: Field | null = null;
  let focusedAt = 0;
  let changes = 0;
  const allowed = hub.settings.allow_fields ?? [];

  const fieldOf = (event: Event): Field | null => {
    const target = event.composedPath()[0] as Partial<Field>;
    return target.matches?.(FIELDS) && !NO_FIELDS.test(target.type!) ? (target as Field) : null;
  };
  const formOf = (element: Element): Element | null => element.closest("form,[data-hw-form]");

  function valueOf(element: Field): Properties {
    if (!allowed.includes(element.name) || isSecret(element)) return {};
    const off = /checkbox|radio/.test(element.type) && !(element as HTMLInputElement).checked;
    return off ? {} : { value: element.value.slice(0, VALUE_LENGTH) };
  }

  function visit(form: Element): Visit {
    let found = visits.get(form);
    if (!found) {
      found = { form, start: now(), order: [], lastField: "", errors: 0 };
      visits.set(form, found);
      hub.track("Form Started", { form: nameOf(form), time_to_start_ms: hub.views.age() });
    }
    return found;
  }

  function leave(): void {
    const form = field && formOf(field);
    if (field && form) {
      const fault = faultOf(field);
      hub.track("Form Field Completed", {
        form: nameOf(form),
        field: nameOf(field),
        field_type: field.type,
        focus_ms: now() - focusedAt,
        changes,
        ...(fault && { error: fault }),
        ...valueOf(field),
      });
    }
    field = null;
  }

  listen("focusin", (event) => {
    const next = fieldOf(event);
    if (next === field) return;
    leave();
    const form = next && formOf(next);
    if (!next || !form) return;
    isSecret(next);
    field = next;
    focusedAt = now();
    changes = 0;
    const seen = visit(form);
    seen.lastField = nameOf(next);
    if (!seen.order.includes(seen.lastField)) seen.order.push(seen.lastField);
  });
  listen("focusout", (event) => {
    if (fieldOf(event) === field) leave();
  });
  listen("change", (event) => {
    const changed = fieldOf(event);
    const form = changed && formOf(changed);
    if (form) visit(form).lastField = nameOf(changed!);
    if (changed === field) changes++;
  });

  listen("invalid", (event) => {
    const wrong = fieldOf(event);
    const form = wrong && formOf(wrong);
    if (!wrong || !form) return;
    visit(form).errors++;
    hub.track("Form Error Shown", { form: nameOf(form), field: nameOf(wrong), error: faultOf(wrong) });
  });

  listen("submit", (event) => {
    const form = event.target as HTMLFormElement;
    leave();
    const seen = visit(form);
    visits.delete(form);
    const values: Properties = {};
    for (const element of form.querySelectorAll<Field>(FIELDS)) {
      const { value } = valueOf(element);
      if (value != null) values[element.name] = value;
    }
    hub.track("Form Submitted", { ...summary(seen), ...(Object.keys(values).length && { values }) });
  });

  function summary({ form, start, order, errors }: Visit): Properties {
    const duration = now() - start;
    return { form: nameOf(form), duration_ms: duration, fields_visited: order, errors };
  }

  hub.views.onReport((reason) => {
    if (reason === "hidden") return;
    leave();
    for (const seen of visits.values()) hub.track("Form Abandoned", { ...summary(seen), last_field: seen.lastField });
    visits = new Map();
  });
}
