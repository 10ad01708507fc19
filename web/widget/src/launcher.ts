/** The button in the corner of the page that opens the panel, and gives way to it. */
import { fill, make } from "./dom";
import { icon } from "./icons";
import { LiveRegion } from "./live";
import type { Texts } from "./texts";

export class Launcher {
  declare readonly element: HTMLElement;
  declare readonly button: HTMLButtonElement;
  #texts: Texts;
  /** Watched while the panel is closed; what is in the panel is not there then. */
  #live = new LiveRegion();
  #dot = make("span", { class: "unread" });
  #chat = icon("chat");
  #unread = false;

  constructor(texts: Texts, toggle: () => void) {
    this.#texts = texts;
    this.button = make("button", { type: "button", class: "launcher", "aria-expanded": "false", onclick: toggle });
    this.element = make("div", { class: "corner" }, this.button, this.#live.element);
    this.update(false, false);
  }

  update(open: boolean, unread: boolean): void {
    const texts = this.#texts;
    this.button.hidden = open;
    this.button.setAttribute("aria-expanded", String(open));
    this.button.setAttribute("aria-label", unread ? `${texts.open} (${texts.unread})` : texts.open);
    fill(this.button, this.#chat, unread ? this.#dot : null);
    if (unread && !this.#unread) this.#live.say(texts.unread);
    this.#unread = unread;
  }
}
