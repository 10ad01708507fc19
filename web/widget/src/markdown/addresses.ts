/**
 * Which addresses in an answer may become links or pictures.
 *
 * Model text is hostile: an address can carry away what the model has read. A picture is fetched without a click, so
 * only named hosts may serve one; a link waits for a click, so the page's own host may have links too. A refused
 * address is shown as text.
 */
export interface AddressRules {
  /** The page's own address: relative addresses begin there. */
  page: URL;
  /** Hosts beside the page's own that links may lead to: `docs.example.com`, `*.example.com`. */
  linkHosts: readonly string[];
  /** Hosts that pictures may come from; `self` is the page's own. */
  imageHosts: readonly string[];
}

export function allowedLink(address: string, rules: AddressRules): string | null {
  const url = parse(address, rules.page);
  if (url === null) return null;
  // What a mail or a call would say beforehand is not the model's to fill in.
  if (url.protocol === "mailto:" || url.protocol === "tel:") return url.protocol + url.pathname;
  return isWeb(url) && (isOwn(url, rules.page) || isNamed(url, rules.linkHosts)) ? url.href : null;
}

export function allowedImage(address: string, rules: AddressRules): string | null {
  const url = parse(address, rules.page);
  if (url === null || !isWeb(url)) return null;
  const own = rules.imageHosts.includes("self") && isOwn(url, rules.page);
  return own || isNamed(url, rules.imageHosts) ? url.href : null;
}

/** Whether an allowed address is one of the page's own host. */
export function isOwnAddress(address: string, rules: AddressRules): boolean {
  return address.startsWith(`${rules.page.origin}/`);
}

/** Returns the hosts in an attribute's value, which are separated by spaces. */
export function parseHosts(value: string | null): string[] {
  return (value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
}

function parse(address: string, page: URL): URL | null {
  try {
    return new URL(address, page);
  } catch {
    return null;
  }
}

function isWeb(url: URL): boolean {
  return (url.protocol === "https:" || url.protocol === "http:") && url.username === "" && url.password === "";
}

function isOwn(url: URL, page: URL): boolean {
  return url.origin === page.origin;
}

/** Only over https, on its usual port. */
function isNamed(url: URL, hosts: readonly string[]): boolean {
  if (url.protocol !== "https:" || url.port !== "") return false;
  return hosts.some((host) =>
    host.startsWith("*.") ? url.hostname.endsWith(host.slice(1)) : url.hostname === host && host !== "self",
  );
}
