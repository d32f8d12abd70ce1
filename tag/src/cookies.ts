import { attempt } from "./storage";

/** 13 months: the longest that European regulators accept for an audience-measurement cookie. */
const MAX_AGE_SECONDS = 34_128_000;
const PROBE = "hw_probe";

export function readCookie(name: string): string | null {
  const value = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="))?.slice(name.length + 1);
  return value ? attempt(() => decodeURIComponent(value), value) : null;
}

export function writeCookie(name: string, value: string, domain: string, maxAge = MAX_AGE_SECONDS): void {
  document.cookie =
    `${name}=${encodeURIComponent(value)};path=/;max-age=${maxAge};samesite=lax` +
    (domain && `;domain=${domain}`) +
    (location.protocol === "https:" ? ";secure" : "");
}

/** Remove a cookie, whether it was set for the host or for the domain above. */
export function removeCookie(name: string, domain: string): void {
  writeCookie(name, "", domain, 0);
  writeCookie(name, "", "", 0);
}

/** The widest domain that the browser lets this page set cookies for; "" for hosts of one part such as localhost. */
export function widestDomain(): string {
  const parts = location.hostname.split(".");
  for (let size = 2; size <= parts.length; size++) {
    const domain = parts.slice(-size).join(".");
    writeCookie(PROBE, "1", domain, 10);
    if (readCookie(PROBE)) {
      removeCookie(PROBE, domain);
      return domain;
    }
  }
  return "";
}
