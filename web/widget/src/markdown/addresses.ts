/**
 * Which addresses in an answer may become links or pictures.
 *
 * Model text is hostile: an address can carry away what the model has read, and one of the page's own can do something there
 * (`/logout`, an open redirect). So only named hosts may serve a picture, and a link leads only to named hosts, to the paths of
 * the page's own that are named, and to a mail program or telephone where that is named. A refused address is shown as text.
 */
export interface AddressRules {
  /** The page's own address: relative addresses begin there. */
  page: URL;
  /** Hosts that links may lead to: `docs.example.com`, `*.example.com`; also `mailto:` and `tel:`. With `none` no link is one. */
  linkHosts: readonly string[];
  /** Paths of the page's own that links may lead to: `/orders`, `/orders/*` for all below it, `/search?*` with any query. */
  linkPaths: readonly string[];
  /** Hosts that pictures may come from; `self` is the page's own. */
  imageHosts: readonly string[];
}

export function allowedLink(address: string, rules: AddressRules): string | null {
  const url = parse(address, rules.page);
  if (url === null || rules.linkHosts.includes("none")) return null;
  if (url.protocol === "mailto:" || url.protocol === "tel:") {
    // What a mail or a call would say beforehand is not the model's to fill in.
    return rules.linkHosts.includes(url.protocol) ? url.protocol + url.pathname : null;
  }
  if (!isWeb(url)) return null;
  const allowed = isOwn(url, rules.page) ? isNamedPath(url, rules.linkPaths) : isNamed(url, rules.linkHosts);
  return allowed ? url.href : null;
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
  return parsePaths(value?.toLowerCase() ?? null);
}

/** Returns the paths in an attribute's value; they may differ by case. */
export function parsePaths(value: string | null): string[] {
  return (value ?? "").split(/\s+/).filter(Boolean);
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

/**
 * The browser has resolved dots by now, also encoded ones. What servers and routers may read in other ways, encoded slashes and
 * dots, backslashes, parameters, is no path that anybody has named. Nor is a query that was not named: it can carry something
 * away, or lead on; nor what follows `#`, where many pages have their routes.
 */
function isNamedPath({ pathname, search, hash }: URL, paths: readonly string[]): boolean {
  const target = pathname + hash;
  if (/%(2[ef5]|5c|00)|[;\\]|\/\/|\/\.+(\/|$)/i.test(target)) return false;
  return paths.some((path) => {
    const named = path.replace("?*", "");
    if ((search !== "" && named === path) || named.includes("#") !== (hash !== "")) return false;
    return named.endsWith("/*") ? target.startsWith(named.slice(0, -1)) : target === named;
  });
}

/** Only over https, on its usual port. */
function isNamed(url: URL, hosts: readonly string[]): boolean {
  if (url.protocol !== "https:" || url.port !== "") return false;
  return hosts.some((host) =>
    host.startsWith("*.") ? url.hostname.endsWith(host.slice(1)) : url.hostname === host && host !== "self",
  );
}
