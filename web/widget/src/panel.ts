/** The panel that a launcher opens: beside the page, or over all of a small screen. */
import { make } from "./dom";
import type { Frame } from "./frame";
import { Launcher } from "./launcher";
import type { Texts } from "./texts";
import { isTouch, watchVisible } from "./visible";

/** Also a phone on its side. */
const SMALL_SCREEN = "(max-width: 480px), (max-height: 480px)";

/** Less of a zoom is one of the browser's roundings. */
const EVEN = 0.001;

/** `mobile` covers the screen, `desktop` never does, `auto` does on a small one. */
export type Layout = "auto" | "mobile" | "desktop";

export class Panel {
  declare readonly element: HTMLElement;
  #frame: Frame;
  #launcher: Launcher;
  #dialog: HTMLDialogElement;
  #layout: () => Layout;
  #small = matchMedia(SMALL_SCREEN);
  #ended = new AbortController();
  /** The page may be drawn larger at any time. */
  #observer = new ResizeObserver(() => this.#unzoom());
  #isOpen = false;
  #unread = false;

  constructor(frame: Frame, texts: Texts, layout: () => Layout, toggle: (open: boolean) => void) {
    this.#frame = frame;
    this.#layout = layout;
    this.#launcher = new Launcher(texts, () => toggle(true));
    this.#dialog = make("dialog", { "aria-label": texts.assistant, dir: texts.direction, tabindex: -1 }, frame.element);
    this.element = make(
      "div",
      { class: "stage", popover: "manual", lang: texts.language, dir: texts.direction },
      this.#launcher.element,
      this.#dialog,
    );
    const { signal } = this.#ended;
    this.#listen(toggle, signal);
    this.#observer.observe(this.element);
    this.#small.addEventListener("change", () => this.arrange(), { signal });
    window.addEventListener("beforeprint", () => this.#layFlat(), { signal });
    window.addEventListener("afterprint", () => this.place(), { signal });
    watchVisible(({ top, bottom, hasKeyboard }) => {
      this.#unzoom();
      this.element.style.setProperty("--fd-visible-top", `${top}px`);
      this.element.style.setProperty("--fd-visible-height", `${bottom - top}px`);
      this.element.style.setProperty("--fd-below", hasKeyboard ? "0px" : "");
    }, signal);
  }

  /** Takes its place over the page, also after the element was moved in it. */
  place(): void {
    if (this.element.isConnected && !this.element.matches(":popover-open")) this.element.showPopover();
    this.#unzoom();
    if (!this.#isOpen || !this.#isSheet || this.#dialog.matches(":modal")) return;
    this.#dialog.close();
    this.#open(false);
  }

  /** Opens or closes. `focus` says whether somebody asked for it, and wants to go on there. */
  show(open: boolean, { focus }: { focus: boolean }): void {
    if (open === this.#isOpen) return;
    this.#isOpen = open;
    this.update(this.#unread);
    if (open) this.#open(focus);
    else this.#close(focus);
  }

  /** Takes the form that the screen and the layout ask for. */
  arrange(): void {
    if (!this.#isOpen || this.#isSheet === this.#dialog.classList.contains("sheet")) return;
    this.#dialog.close();
    this.#open(false);
  }

  update(unread: boolean): void {
    this.#unread = unread;
    this.#launcher.update(this.#isOpen, unread);
  }

  close(): void {
    this.#ended.abort();
    this.#observer.disconnect();
  }

  get #isSheet(): boolean {
    const layout = this.#layout();
    return layout === "mobile" || (layout === "auto" && this.#small.matches);
  }

  /** Puts it into the page: of what lies over one, paper shows no more than a sheet. */
  #layFlat(): void {
    if (this.#dialog.matches(":modal")) {
      this.#dialog.close();
      this.#dialog.open = true;
    }
    if (this.element.matches(":popover-open")) this.element.hidePopover();
  }

  /** A page that is drawn larger as a whole would push it out of the window. */
  #unzoom(): void {
    const { style, currentCSSZoom } = this.element;
    const own = Number(style.zoom) || 1;
    if (Math.abs((currentCSSZoom || own) - 1) < EVEN) return;
    style.zoom = String(own / (currentCSSZoom || own));
  }

  #listen(toggle: (open: boolean) => void, signal: AbortSignal): void {
    // Also where the focus is on the sheet itself: the page should not hear of the key.
    this.#dialog.addEventListener("keydown", (event) => this.#frame.onKey(event), { signal });
    // The "back" of a phone.
    const cancel = (event: Event) => {
      event.preventDefault();
      if (!this.#frame.back()) toggle(false);
    };
    this.#dialog.addEventListener("cancel", cancel, { signal });
    // A browser may close it without asking.
    this.#dialog.addEventListener("close", () => this.#isOpen && !this.#dialog.open && toggle(false), { signal });
  }

  #open(focus: boolean): void {
    const sheet = this.#isSheet;
    this.#dialog.classList.toggle("sheet", sheet);
    if (sheet) {
      this.#dialog.showModal();
      // Not the composer, which would call a keyboard over half of the screen.
      this.#dialog.focus();
    } else {
      // Not show(), which would take the focus from the page after a reload too.
      this.#dialog.open = true;
      if (focus && isTouch()) this.#dialog.focus();
      else if (focus) this.#frame.focusComposer();
    }
  }

  #close(focus: boolean): void {
    this.#dialog.close();
    if (focus) this.#launcher.button.focus();
  }
}
