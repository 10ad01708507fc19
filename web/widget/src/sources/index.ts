/**
 * Where an answer comes from, in a list below it: loaded when an answer says so for the first time.
 *
 * All of it is somebody else's text. What becomes a link is decided where it is decided for the answer itself: only what leads
 * to a host that the page names; every other address is shown, to be read and copied.
 */
import type { SourceView } from "@frontdesk/client";
import { adopt } from "../adopt";
import { label } from "../bounds";
import type { WidgetContext } from "../context";
import { fill, make, setText } from "../dom";
import styles from "../styles/sources.css" with { type: "text" };
import { type Words, wordsFor } from "./words";

/** Draws the sources into an element; what stands there of the same ones stays, and whatever is open in it. */
export function draw(element: HTMLElement, sources: readonly SourceView[], context: WidgetContext): void {
  const words = wordsFor(context.texts.language);
  element.hidden = sources.length === 0;
  if (element.hidden) return fill(element);
  adopt(element, styles);
  element.ariaLabel = words.sources;
  const list = element.querySelector("ol") ?? make("ol");
  const drawn = new Map(Array.from(list.children, (shown) => [(shown as HTMLElement).dataset.source, shown]));
  fill(list, ...sources.map((source) => drawn.get(source.id) ?? item(source, context, words)));
  fill(element, element.querySelector("p") ?? make("p", { "aria-hidden": "true" }, words.sources), list);
}

function item({ id, title, url, snippet }: SourceView, context: WidgetContext, words: Words): HTMLElement {
  const shown = make(
    "li",
    { "data-source": id },
    named(title, url, context),
    " ",
    make("bdi", { class: "host", dir: "ltr" }, hostOf(url)),
  );
  const inside = make("div", { class: "inside" }, snippet ? make("q", { dir: "auto" }, snippet) : null);
  inside.append(make("bdi", { class: "address", dir: "ltr" }, url));
  shown.append(make("details", {}, make("summary", {}, snippet ? words.excerpt : words.address), inside));
  return shown;
}

/** Returns the host of an address; nothing of one that a browser takes for none. */
function hostOf(url: string): string {
  const link = document.createElement("a");
  link.href = url;
  return link.hostname;
}

/** Returns the title: as a link where the page lets one lead there, else as text. */
function named(title: string, url: string, { sanitise }: WidgetContext): Element {
  const link = document.createElement("a");
  link.href = url;
  link.dir = "auto";
  setText(link, label(title));
  const allowed = sanitise(link.outerHTML).querySelector("a[href]");
  return allowed ?? make("span", { dir: "auto" }, label(title));
}
