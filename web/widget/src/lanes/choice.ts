/** Where one says, beside the composer, that the next message is for several models, and for which. */
import type { Assistant } from "@frontdesk/client";
import { label } from "../bounds";
import { fill, make } from "../dom";
import { icon } from "../icons";
import type { Memory } from "../memory";
import type { Words } from "./words";

const FEWEST = 2;
const KEY = "compare";

export class Choice {
  readonly element = make("div", { class: "compare", hidden: true });
  #button: HTMLButtonElement;
  #models: HTMLElement;
  #memory: Memory;
  #assistant: Assistant | null = null;
  #most = 0;
  #boxes: HTMLInputElement[] = [];

  constructor(words: Words, memory: Memory) {
    this.#memory = memory;
    const toggle = () => this.#become(!this.#isOn);
    this.#button = make(
      "button",
      { type: "button", "aria-pressed": "false", onclick: toggle },
      icon("spark"),
      words.compare,
    );
    this.#models = make("div", { class: "choices", role: "group", "aria-label": words.models, hidden: true });
    this.element.append(this.#button, this.#models);
  }

  /** Returns the models that the next message is for; null where it is for one as ever. */
  get wanted(): readonly string[] | null {
    return this.#isOn && !this.element.hidden ? this.#checked : null;
  }

  /** Shows which there are. What was chosen in this tab is chosen again. */
  update(assistant: Assistant): void {
    if (assistant === this.#assistant) return;
    this.#assistant = assistant;
    const { models, limits } = assistant;
    this.#most = Math.min(models.length, limits.lanes ?? 1);
    this.element.hidden = this.#most < FEWEST;
    const kept =
      this.#memory
        .get(KEY)
        ?.split("\n")
        .filter((name) => models.includes(name)) ?? [];
    const chosen = kept.length < FEWEST ? models.slice(0, FEWEST) : kept.slice(0, this.#most);
    this.#boxes = models.map((value) =>
      make("input", { type: "checkbox", value, checked: chosen.includes(value), onchange: () => this.#become(true) }),
    );
    fill(this.#models, ...this.#boxes.map((box, at) => make("label", {}, box, label(models[at]!))));
    this.#become(kept.length >= FEWEST);
  }

  get #isOn(): boolean {
    return this.#button.ariaPressed === "true";
  }

  get #checked(): readonly string[] {
    return this.#assistant?.models.filter((_, at) => this.#boxes[at]!.checked) ?? [];
  }

  /** Two are the fewest that can be compared, and the server takes only so many: then no other box can be changed. */
  #become(isOn: boolean): void {
    const { length } = this.#checked;
    this.#button.ariaPressed = String(isOn);
    this.#models.hidden = !isOn;
    for (const box of this.#boxes) box.disabled = box.checked ? length <= FEWEST : length >= this.#most;
    if (this.#assistant) this.#memory.set(KEY, isOn ? this.#checked.join("\n") : null);
  }
}
