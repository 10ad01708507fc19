/** The names that an assistant may give an accent color, and the sheet that carries the page's choice. */
const NAMED: Record<string, string> = {
  blue: "#2563eb",
  indigo: "#4f5bd5",
  violet: "#7c4ddb",
  pink: "#d6409f",
  red: "#d93843",
  orange: "#e8590c",
  amber: "#f0a500",
  green: "#2b8a3e",
  teal: "#0c8599",
};

/** Makes `sheet` set the accent to a name from above or to any color of CSS; anything else leaves the default. */
export function setAccent(sheet: CSSStyleSheet, value: string | null): void {
  const color = value === null ? "" : Object.hasOwn(NAMED, value) ? NAMED[value] : value;
  sheet.replaceSync(".stage, .surface {}");
  const rule = sheet.cssRules[0];
  if (color && CSS.supports("color", color)) (rule as CSSStyleRule).style.setProperty("--fd-accent", color);
}
