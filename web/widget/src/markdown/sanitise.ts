/**
 * HTML that came of an answer becomes nodes that cannot do harm. Nothing else of the widget turns text into HTML.
 *
 * The rendered Markdown holds no HTML of the model's own (see `grammar.ts`), so this is the second wall, not the first.
 */
import DOMPurify, { type Config } from "dompurify";
import { type AddressRules, allowedImage, allowedLink, isOwnAddress } from "./addresses";
import { asText } from "./plain";

export type Sanitise = (html: string) => DocumentFragment;

const TAGS = "a blockquote br code div em h3 hr img li ol p pre s strong table tbody td th thead tr ul".split(" ");
const ATTRIBUTES = ["align", "alt", "class", "href", "src", "start"];
const CLASS = /^(language-[\w.+#-]{1,40}|depth-[1-6]|formula(-block)?)$/;
const ALIGN = /^(left|right|center)$/;

/** What a page that limits Trusted Types must allow: `trusted-types frontdesk`. */
const POLICY = "frontdesk";

/** Whether texts may become HTML in this page; null until it was tried. */
let isAllowed: boolean | null = null;
/** What the hooks below go by while one text is made clean. */
let rules: AddressRules;
const refused = new Map<Element, string>();

/** Returns a function that keeps what Markdown needs and nothing else; it asks for the rules with each text. */
export function createSanitiser(currentRules: () => AddressRules): Sanitise {
  return (html) => {
    isAllowed ??= DOMPurify.isSupported && prepare();
    if (!isAllowed) return asText(html);
    rules = currentRules();
    refused.clear();
    const fragment = DOMPurify.sanitize(html, { RETURN_DOM_FRAGMENT: true });
    for (const [element, address] of refused) {
      if (fragment.contains(element)) element.replaceWith(inWords(element, address));
    }
    return fragment;
  };
}

/**
 * Returns the one way into the parser where a page asks for Trusted Types. It makes any text trusted, so nobody else gets it:
 * only DOMPurify, which hands on what it has made clean. Null where the page knows no such types; throws where it refuses.
 */
function openPolicy(): TrustedPolicy | null {
  const { trustedTypes } = globalThis as {
    trustedTypes?: { createPolicy(name: string, rules: object): TrustedPolicy };
  };
  if (trustedTypes === undefined) return null;
  const asItIs = (text: string) => text;
  try {
    return trustedTypes.createPolicy(POLICY, { createHTML: asItIs, createScriptURL: asItIs });
  } catch {
    // The page may name policies and yet ask for none: then the parser takes texts.
    new DOMParser().parseFromString("", "text/html");
    return null;
  }
}

type TrustedPolicy = NonNullable<Config["TRUSTED_TYPES_POLICY"]>;

/**
 * Returns whether the page lets texts become HTML. The bundle has a DOMPurify of its own, so no other script's hooks meet
 * these.
 */
function prepare(): boolean {
  let policy: TrustedPolicy | null;
  try {
    policy = openPolicy();
  } catch {
    return false;
  }
  DOMPurify.setConfig({
    TRUSTED_TYPES_POLICY: policy,
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  DOMPurify.addHook("uponSanitizeAttribute", (_node, attribute) => {
    const { attrName: name, attrValue: value } = attribute;
    if ((name === "class" && !CLASS.test(value)) || (name === "align" && !ALIGN.test(value))) {
      attribute.keepAttr = false;
    }
    // The hook below decides on addresses; here they need only get through.
    if (name === "href" || name === "src") attribute.forceKeepAttr = true;
  });
  DOMPurify.addHook("afterSanitizeAttributes", (element) => {
    if (element.localName === "a") decideLink(element);
    if (element.localName === "img") decideImage(element);
  });
  return true;
}

function decideLink(link: Element): void {
  const address = link.getAttribute("href") ?? "";
  const allowed = allowedLink(address, rules);
  if (allowed === null) {
    link.removeAttribute("href");
    refused.set(link, address);
    return;
  }
  link.setAttribute("href", allowed);
  if (isOwnAddress(allowed, rules)) return;
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer nofollow");
}

function decideImage(image: Element): void {
  const allowed = allowedImage(image.getAttribute("src") ?? "", rules);
  if (allowed === null) {
    image.removeAttribute("src");
    refused.set(image, "");
    return;
  }
  image.setAttribute("src", allowed);
  image.setAttribute("loading", "lazy");
  image.setAttribute("referrerpolicy", "no-referrer");
}

/** Shows what a refused link or picture said, and where it led, as text. */
function inWords(element: Element, address: string): Element {
  const words = document.createElement("span");
  if (element.localName === "img") {
    words.className = "picture";
    words.textContent = element.getAttribute("alt") || "…";
    return words;
  }
  words.append(...element.childNodes);
  if (address !== "" && words.textContent !== address) {
    const shown = document.createElement("span");
    shown.className = "address";
    shown.textContent = ` (${address})`;
    words.append(shown);
  }
  return words;
}
