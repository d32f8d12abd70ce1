/** A random UUID. Pages that are not on https have no `crypto.randomUUID` and get as many digits without the dashes. */
export const uuid = (): string =>
  crypto.randomUUID?.() ??
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join("");
