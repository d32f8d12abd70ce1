const TIMEOUT_MS = 15_000;

/**
 * POST a text. Undefined without an answer. As plain text it needs no permission from the server first when it goes to
 * another origin; cookies go along so that the server can set one on a host beside this one.
 */
export async function post(address: string, body: string, keepalive = false, aborter = new AbortController()): Promise<Response | undefined> {
  const timer = setTimeout(() => aborter.abort(), TIMEOUT_MS);
  try {
    const headers = { "Content-Type": "text/plain" };
    return await fetch(address, { method: "POST", body, keepalive, headers, credentials: "include", signal: aborter.signal });
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
