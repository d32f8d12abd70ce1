/** Listen on the document before anybody can stop the event, without holding up scrolling. */
export function listen<K extends keyof DocumentEventMap>(type: K, listener: (event: DocumentEventMap[K]) => void): void {
  document.addEventListener(type, listener, { capture: true, passive: true });
}

/** Whether a host is this one or belongs to one of the owner's domains. */
export const isOwn = (host: string, domains: readonly string[]): boolean =>
  host === location.hostname || domains.some((domain) => host === domain || host.endsWith("." + domain));
