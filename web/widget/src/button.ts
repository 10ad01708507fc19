/** Buttons that are a picture, with their name for those who do not see it. */
import { make } from "./dom";
import { icon, type IconName } from "./icons";

export function tool(picture: IconName | SVGElement, label: string, onclick: () => unknown): HTMLButtonElement {
  const shown = typeof picture === "string" ? icon(picture) : picture;
  return make("button", { type: "button", class: "tool", title: label, "aria-label": label, onclick }, shown);
}
