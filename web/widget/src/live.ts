/** A place that screen readers watch. What is said there once is read once, after what they are reading. */
import { make } from "./dom";

const KEPT = 12;

export class LiveRegion {
  declare readonly element: HTMLElement;

  constructor(politeness: "polite" | "assertive" = "polite") {
    this.element = make("div", { class: "unseen live", "aria-live": politeness, "aria-relevant": "additions" });
  }

  say(text: string): void {
    const words = text.replace(/\s+/g, " ").trim();
    if (words === "") return;
    this.element.append(make("p", {}, words));
    while (this.element.childElementCount > KEPT) this.element.firstElementChild?.remove();
  }
}
