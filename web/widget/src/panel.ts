/** The widget's place in the page: a panel that a launcher opens, or a frame that the page gives it. */
import { make } from "./dom";
import { Launcher } from "./launcher";
import type { Frame } from "./frame";
import type { Texts } from "./texts";

const SMALL_SCREEN = "(max-width: 480px)";

/** `mobile` covers the screen, `desktop` never does, `auto` does on a small one. */
export type Layout = "auto" | "mobile" | "desktop";

export class Panel {
  readonly elements: HTMLElement[];
  #frame: Frame;
  #launcher: Launcher;
  #dialog: HTMLDialogElement;
  #layout: () => Layout;
  #small = matchMedia(SMALL_SCREEN);
  #ended = new AbortController();

  constructor(frame: Frame, texts: Texts, layout: () => Layout, toggle: (open: boolean) => void) {
    this.#frame = frame;
    this.#layout = layout;
    this.#launcher = new Launcher(texts, () => toggle(!this.#dialog.open));
    this.#dialog = make("dialog", { "aria-label": texts.assistant, dir: texts.direction, tabindex: -1 }, frame.element);
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      toggle(false);
    });
    this.elements = [this.#launcher.element, this.#dialog];
    this.#launcher.element.dir = texts.direction;
    const { signal } = this.#ended;
    this.#small.addEventListener("change", () => this.arrange(), { signal });
    visualViewport?.addEventListener("resize", () => this.#fitKeyboard(), { signal });
  }

  /** Opens or closes. `focus` says whether somebody asked for it, and wants to go on there. */
  show(open: boolean, { focus }: { focus: boolean }): void {
    if (open === this.#dialog.open) return;
    if (open) this.#open(focus);
    else this.#close(focus);
  }

  /** Takes the form that the screen and the layout ask for. */
  arrange(): void {
    if (!this.#dialog.open || this.#isSheet === this.#dialog.classList.contains("sheet")) return;
    this.#dialog.close();
    this.#open(false);
  }

  update(unread: boolean): void {
    this.#launcher.update(this.#dialog.open, unread);
  }

  close(): void {
    this.#ended.abort();
  }

  get #isSheet(): boolean {
    const layout = this.#layout();
    return layout === "mobile" || (layout === "auto" && this.#small.matches);
  }

  #open(focus: boolean): void {
    const sheet = this.#isSheet;
    this.#dialog.classList.toggle("sheet", sheet);
    if (sheet) {
      this.#fitKeyboard();
      this.#dialog.showModal();
      // Not the composer, which would call a keyboard over half of the screen.
      this.#dialog.focus();
    } else {
      // Not show(), which would take the focus from the page after a reload too.
      this.#dialog.open = true;
      if (focus) this.#frame.focusComposer();
    }
  }

  #close(focus: boolean): void {
    this.#dialog.close();
    if (focus) this.#launcher.button.focus();
  }

  /** A keyboard on the screen leaves less of it than the page knows. */
  #fitKeyboard(): void {
    const height = this.#dialog.classList.contains("sheet") ? `${visualViewport?.height ?? innerHeight}px` : "";
    this.#dialog.style.setProperty("--visible", height);
  }
}
