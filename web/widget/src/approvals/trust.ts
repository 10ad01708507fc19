/**
 * Whether a click on a card can be its user's own: they have seen it for a moment, nothing lies over it, and nobody else's page
 * is around it, as far as the browser can tell.
 */

/** So long it has to be seen: a click that was meant for what stood there before must not hit it. */
export const CALM_MS = 500;
/** So long something may pass over it before that is worth a word. */
const COVERED_MS = 1000;
/** The browser tells whether anything is drawn over something, in this page or in those around it. */
const TELLS = "isVisible" in IntersectionObserverEntry.prototype;

export class Trust {
  isReady = false;
  /** Something lies over it, or the page draws it in a way that could hide it. */
  isCovered = false;
  #observer: IntersectionObserver;
  #last = new Map<Element, { isIn: boolean; isSeen: boolean }>();
  #timer = 0;
  #changed: () => void;

  /** Of these the first one has to be on the screen, and what is on the screen of all of them must be seen. */
  constructor(parts: readonly Element[], changed: () => void) {
    this.#changed = changed;
    const tracking = { trackVisibility: true, delay: 100 } as IntersectionObserverInit;
    this.#observer = new IntersectionObserver((entries) => this.#look(parts, entries), tracking);
    for (const part of parts) this.#observer.observe(part);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#observer.disconnect();
    this.isReady = false;
  }

  #look(parts: readonly Element[], entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting, ...entry } of entries.map(plain))
      this.#last.set(target, { isIn: isIntersecting, isSeen: entry.isVisible });
    const isIn = this.#last.get(parts[0]!)?.isIn === true;
    const isSeen = isIn && [...this.#last.values()].every((part) => part.isSeen || !part.isIn);
    clearTimeout(this.#timer);
    this.#become(false, isSeen ? false : this.isCovered);
    if (isSeen) this.#timer = window.setTimeout(() => this.#become(true, false), CALM_MS);
    else if (isIn) this.#timer = window.setTimeout(() => this.#become(false, true), COVERED_MS);
  }

  #become(isReady: boolean, isCovered: boolean): void {
    if (isReady === this.isReady && isCovered === this.isCovered) return;
    this.isReady = isReady;
    this.isCovered = isCovered;
    this.#changed();
  }
}

function plain(entry: IntersectionObserverEntry) {
  const { target, isIntersecting } = entry;
  const { isVisible } = entry as IntersectionObserverEntry & { isVisible?: boolean };
  return { target, isIntersecting, isVisible: TELLS ? isVisible === true : isIntersecting };
}

/** Whether somebody else's page is around this one, and could lay anything over it unnoticed. */
export function isFramed(): boolean {
  if (TELLS || window.top === window) return false;
  try {
    return !window.top!.document; // refused, where it is of another origin
  } catch {
    return true;
  }
}
