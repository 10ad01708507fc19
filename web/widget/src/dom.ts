/**
 * The one way in which the widget makes elements: from names and values, never from a string of HTML; and the one way in which
 * text gets into them that is no Markdown, so none of it costs the page more than a moment.
 */
import { bounded } from "./bounds";

type Value = string | number | boolean | null | undefined | ((event: never) => void);
type Child = Node | string | null | undefined;

/** Returns an element. Functions listen (`onclick`), `true` sets a bare attribute, null and false leave it out. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, bounded(String(value)));
  }
  element.append(...children.filter((child) => child != null).map(drawn));
  return element;
}

/** Makes these an element's children. Those that are so already stay where they are, with the focus and what was scrolled in them. */
export function fill(element: Element, ...children: Child[]): void {
  const wanted = new Set(children);
  for (const child of Array.from(element.childNodes)) if (!wanted.has(child)) child.remove();
  let next = element.firstChild;
  for (const child of children) {
    if (child == null) continue;
    if (child === next) next = next!.nextSibling;
    else if (next) next.before(drawn(child));
    else element.append(drawn(child));
  }
}

/** Sets a text, within bounds, where it differs, so that nothing is laid out or announced twice. */
export function setText(element: Element, text: string): void {
  const shown = bounded(text);
  if (element.textContent !== shown) element.textContent = shown;
}

function drawn(child: Node | string): Node | string {
  return typeof child === "string" ? bounded(child) : child;
}
