/** Earlier versions of a message, folded; drawn when somebody looks. */
import type { MessageView } from "@frontdesk/client";
import { fill, make } from "./dom";
import { icon } from "./icons";
import type { Texts } from "./texts";

export class Versions {
  readonly element = make("div", { class: "earlier", hidden: true });
  #texts: Texts;
  /** Returns the element that shows a version's text. */
  #show: (text: string) => HTMLElement;
  #versions: MessageView["versions"] | null = null;

  constructor(texts: Texts, show: (text: string) => HTMLElement) {
    this.#texts = texts;
    this.#show = show;
  }

  update({ versions }: MessageView): void {
    if (versions === this.#versions) return;
    this.#versions = versions;
    this.element.hidden = versions.length === 0;
    if (versions.length === 0) return fill(this.element);
    const inside = make("div", { class: "inside" });
    const draw = () => {
      if (inside.childElementCount === 0) inside.append(...versions.map(({ text }) => this.#show(text)));
    };
    const summary = make("summary", {}, make("span", {}, this.#texts.versions(versions.length)), icon("chevron"));
    fill(this.element, make("details", { class: "folded versions", ontoggle: draw }, summary, inside));
  }
}
