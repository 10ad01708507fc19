// Theme and accent: kept per tenant in this browser, the same in all its tabs.
import { keep, kept } from "./kept";
import { currentUser } from "./session";

export const THEMES = ["light", "dark", "system"] as const;
export const ACCENTS = ["blue", "indigo", "violet", "pink", "red", "orange", "amber", "green", "teal"] as const;
export type Theme = (typeof THEMES)[number];
export type Accent = (typeof ACCENTS)[number];

export interface Appearance {
  readonly theme: Theme;
  readonly accent: Accent;
}

const KEY = `studio:${currentUser.tenant.id}:appearance`;
const listeners = new Set<() => void>();
let appearance = readStored();

export const currentAppearance = (): Appearance => appearance;

/** Whether the page is dark now, by choice or because the device is. */
export function isDark(): boolean {
  if (appearance.theme !== "system") return appearance.theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Changes the appearance, in all tabs. What is not one of the known values changes nothing. */
export function changeAppearance(change: { theme?: string; accent?: string }): void {
  apply(checked({ ...appearance, ...change }));
  keep("localStorage", KEY, JSON.stringify(appearance));
}

/** Calls the listener after each change, and when the device turns dark or light. */
export function onAppearance(listener: () => void): void {
  listeners.add(listener);
}

function apply(next: Appearance): void {
  appearance = next;
  document.documentElement.dataset["theme"] = next.theme;
  document.documentElement.dataset["accent"] = next.accent;
  for (const listener of listeners) listener();
}

function readStored(): Appearance {
  try {
    return checked(JSON.parse(kept("localStorage", KEY) ?? "{}") as Partial<Appearance>);
  } catch {
    return checked({});
  }
}

function checked(wanted: { theme?: string; accent?: string } | null): Appearance {
  return {
    theme: THEMES.find((one) => one === wanted?.theme) ?? "system",
    accent: ACCENTS.find((one) => one === wanted?.accent) ?? (currentUser.tenant.accent as Accent),
  };
}

apply(appearance);
addEventListener("storage", (event) => event.key === KEY && apply(readStored()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply(appearance));
