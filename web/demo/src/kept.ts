// What this browser keeps for the page. Where it may keep nothing, things last as long as the page.

type Kind = "localStorage" | "sessionStorage";

/** Returns what was kept under a name in all tabs (`localStorage`) or in this one, null if nothing was. */
export function kept(kind: Kind, name: string): string | null {
  try {
    return window[kind].getItem(name);
  } catch {
    return null;
  }
}

export function keep(kind: Kind, name: string, value: string): void {
  try {
    window[kind].setItem(name, value);
  } catch {
    // Full or forbidden.
  }
}
