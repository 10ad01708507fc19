/**
 * What the widget remembers in this tab until it is closed: which conversation is shown, whether the panel is open, and
 * drafts. Where the browser allows no storage it remembers nothing.
 */
export class Memory {
  #prefix: string;

  /** `place` sets installations on one host apart. */
  constructor(place: string) {
    this.#prefix = `frontdesk:${place}:`;
  }

  get(name: string): string | null {
    try {
      return sessionStorage.getItem(this.#prefix + name);
    } catch {
      return null;
    }
  }

  /** An empty value is forgotten. */
  set(name: string, value: string | null): void {
    try {
      if (value === null || value === "") sessionStorage.removeItem(this.#prefix + name);
      else sessionStorage.setItem(this.#prefix + name, value);
    } catch {
      // Full or forbidden: the page works without.
    }
  }
}
