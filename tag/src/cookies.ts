/** 13 months: the longest that European regulators accept for an audience-measurement cookie. */
const MAX_AGE_SECONDS = 34_128_000;

export function read(name: string): string | null {
  for (const pair of document.cookie.split("; ")) {
    if (pair.startsWith(name + "=")) {
      try {
        return decodeURIComponent(pair.slice(name.length + 1));
      } catch {
        return pair.slice(name.length + 1);
      }
    }
  }
  return null;
}

export function write(name: string, value: string, domain: string, maxAge = MAX_AGE_SECONDS): void {
  document.cookie =
    `${name}=${encodeURIComponent(value)};path=/;max-age=${maxAge};samesite=lax` +
    (domain ? `;domain=${domain}` : "") +
    (location.protocol === "https:" ? ";secure" : "");
}

/** Remove a cookie, whether it was set for the host or for the domain above. */
export function remove(name: string, domain: string): void {
  write(name, "", domain, 0);
  write(name, "", "", 0);
}

/** The widest domain that the browser lets this page set cookies for; "" for hosts such as localhost. */
export function widestDomain(): string {
  const parts = location.hostname.split(".");
  const probe = "hw_probe";
  for (let size = 2; size <= parts.length && Number.isNaN(+parts[parts.length - 1]!); size++) {
    const domain = parts.slice(-size).join(".");
    write(probe, "1", domain, 10);
    if (read(probe)) {
      write(probe, "", domain, 0);
      return domain;
    }
  }
  return "";
}
