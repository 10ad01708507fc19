/** What a person sees of the page: a keyboard on the screen leaves less of it than the page knows. */

/** More than bars of a browser take. */
const KEYBOARD_PX = 120;
/** From here on somebody has zoomed with two fingers, and wants to look closer at what is there. */
const ZOOMED = 1.01;
/** The least that is left of a frame between other things of a page; where there is less, the page is scrolled to it. */
const LEAST_PX = 160;

/** In the page's pixels, from the top of its window. */
export interface Visible {
  top: number;
  bottom: number;
  /** Whether a keyboard takes the rest. */
  hasKeyboard: boolean;
}

/** Tells what is seen, now and whenever it changes, but not while it is zoomed: nothing should move away then. */
export function watchVisible(tell: (visible: Visible) => void, signal: AbortSignal): void {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const look = () => {
    const { scale, offsetTop: top, height } = viewport;
    if (scale <= ZOOMED) tell({ top, bottom: top + height, hasKeyboard: innerHeight - height > KEYBOARD_PX });
  };
  viewport.addEventListener("resize", look, { signal });
  viewport.addEventListener("scroll", look, { signal });
  look();
}

/** Takes from a frame in the page what a keyboard covers of it, also while the page is scrolled below. */
export function keepVisible(surface: HTMLElement, host: Element, signal: AbortSignal): void {
  const isWindow = host.getAttribute("mode") === "page";
  let seen: Visible | null = null;
  const fit = () => {
    if (seen === null) return;
    const { top, bottom, hasKeyboard } = seen;
    const box = isWindow ? { top: 0, bottom: innerHeight } : host.getBoundingClientRect();
    const above = Math.max(0, top - box.top);
    const below = Math.max(0, box.bottom - bottom);
    const isCut = hasKeyboard && (isWindow || box.bottom - box.top - above - below >= LEAST_PX);
    surface.style.setProperty("--fd-cut-top", isCut ? `${above}px` : "");
    surface.style.setProperty("--fd-cut-bottom", isCut ? `${below}px` : "");
    surface.style.setProperty("--fd-below", hasKeyboard ? "0px" : "");
  };
  const see = (visible: Visible) => {
    seen = visible;
    fit();
  };
  watchVisible(see, signal);
  addEventListener("scroll", () => seen?.hasKeyboard && fit(), { signal, capture: true, passive: true });
}

/** Whether fingers are at work: then a keyboard comes with the focus, over half of the screen. */
export function isTouch(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}
