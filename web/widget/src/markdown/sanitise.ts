/**
 * HTML that came of an answer becomes nodes that cannot do harm. Nothing else of the widget turns text into HTML.
 *
 * The rendered Markdown holds no HTML of the model's own (see `grammar.ts`), so this is the second wall, not the first.
 */
import createPurifier from "dompurify";
import { type AddressRules, allowedImage, allowedLink, isOwnAddress } from "./addresses";

export type Sanitise = (html: string) => DocumentFragment;

const TAGS = "a blockquote br code div em h3 hr img li ol p pre s strong table tbody td th thead tr ul".split(" ");
const ATTRIBUTES = ["align", "alt", "class", "href", "src", "start"];
const CLASS = /^(language-[\w.+#-]{1,40}|depth-[1-6])$/;
const ALIGN = /^(left|right|center)$/;

/** Returns a function that keeps what Markdown needs and nothing else. */
export function createSanitiser(rules: () => AddressRules): Sanitise {
  const purifier = createPurifier(window);
  if (!purifier.isSupported) return asText;
  purifier.setConfig({
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  const refused = new Map<Element, string>();
  let current = rules();

  purifier.addHook("uponSanitizeAttribute", (_node, attribute) => {
    const { attrName: name, attrValue: value } = attribute;
    if ((name === "class" && !CLASS.test(value)) || (name === "align" && !ALIGN.test(value))) {
      attribute.keepAttr = false;
    }
    // The hook below decides on addresses; here they need only get through.
    if (name === "href" || name === "src") attribute.forceKeepAttr = true;
  });
  purifier.addHook("afterSanitizeAttributes", (element) => {
    if (element.localName === "a") decideLink(element, current, refused);
    if (element.localName === "img") decideImage(element, current, refused);
  });

  return (html) => {
    refused.clear();
    current = rules();
    const fragment = purifier.sanitize(html, { RETURN_DOM_FRAGMENT: true });
    for (const [element, address] of refused) {
      if (fragment.contains(element)) element.replaceWith(inWords(element, address));
    }
    return fragment;
  };
}

function decideLink(link: Element, rules: AddressRules, refused: Map<Element, string>): void {
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

function decideImage(image: Element, rules: AddressRules, refused: Map<Element, string>): void {
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

function asText(html: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(html);
  return fragment;
}
