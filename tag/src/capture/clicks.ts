import { closest, describe } from "../elements";
import type { Hub } from "../hub";
import { isOwn, listen } from "../page";

/** Other files are known by their attribute `download`. */
const FILES = /\.(pdf|docx?|xlsx?|pptx?|csv|txt|zip|t?gz|dmg|exe|apk|epub|mp[34])$/i;

/** `Link Clicked`, `File Downloaded`, `Outbound Link Clicked`. */
export function clicks(hub: Hub): void {
  function clicked(event: MouseEvent): void {
    const link = closest(event, "a[href],area[href]") as HTMLAnchorElement | null;
    if (!link || event.button > 1) return;
    const { protocol, hostname, pathname } = link;
    const web = /^https?:$/.test(protocol);
    const file = web && (link.hasAttribute("download") || FILES.test(pathname));
    const outbound = web && !isOwn(hostname, hub.domains);
    const event_name = file ? "File Downloaded" : outbound ? "Outbound Link Clicked" : "Link Clicked";
    hub.track(event_name, {
      ...describe(link),
      // Addresses such as mailto: and tel: hold personal data; user names in addresses do too.
      url: web ? link.origin + pathname + link.search : protocol,
      outbound,
      ...(file && { file: decodeURI(pathname).split("/").pop() }),
    });
  }
  listen("click", clicked);
  listen("auxclick", clicked);
}
