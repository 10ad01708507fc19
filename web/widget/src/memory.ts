/**
 * What the widget remembers in this tab until it is closed: whether the panel is open, and of the user which conversation is
 * shown, and drafts. Where the browser allows no storage it remembers nothing.
 *
 * What is a user's is kept under their name, given to nobody else, and gone as soon as there is another one.
 */
export class Memory {
  #prefix: string;
  /** Where the user's begins; null while nobody is known. */
  #own: string | null = null;

  /** `place` sets elements on one host apart. */
  constructor(place: string) {
    this.#prefix = `frontdesk:${place}:`;
  }

  /** Whether the panel is open, whoever sits there. */
  get isOpen(): boolean | null {
    const kept = read(`${this.#prefix}open`);
    return kept === null ? null : kept === "yes";
  }

  set isOpen(open: boolean) {
    write(`${this.#prefix}open`, open ? "yes" : "no");
  }

  /** Remembers for this user from now on, and forgets all others. */
  admit(user: string): void {
    this.#own = `${this.#prefix}user:${user}:`;
    this.#forget((name) => !name.startsWith(this.#own!));
  }

  /** Forgets the user. */
  leave(): void {
    this.#own = null;
    this.#forget(() => true);
  }

  get(name: string): string | null {
    return this.#own === null ? null : read(this.#own + name);
  }

  /** An empty value is forgotten. Before the user is known nothing is kept. */
  set(name: string, value: string | null): void {
    if (this.#own !== null) write(this.#own + name, value);
  }

  #forget(isMeant: (name: string) => boolean): void {
    try {
      for (const name of Object.keys(sessionStorage)) {
        if (name.startsWith(this.#prefix) && name !== `${this.#prefix}open` && isMeant(name)) write(name, null);
      }
    } catch {
      // Then nothing was kept.
    }
  }
}

function read(name: string): string | null {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name: string, value: string | null): void {
  try {
    if (value === null || value === "") sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, value);
  } catch {
    // Full or forbidden: the page works without.
  }
}

const places = new Map<string, Element>();

/**
 * Returns a name for an element's memory that no other element of the page has: by where it asks and how the page calls it,
 * with a number for those that are alike. Elements come in the same order after a reload, so each finds its own again.
 */
export function takePlace(element: Element, url: string, name: string): string {
  for (const [place, owner] of places) if (owner === element) places.delete(place);
  for (let number = 1; ; number++) {
    const place = JSON.stringify([url, name, number]); // which is the beginning of no other one
    const owner = places.get(place);
    if (owner?.isConnected) continue;
    places.set(place, element);
    return place;
  }
}
