// What pages are made of: headers, cards, key figures, badges, empty states.
import { ArrowDownRight, ArrowUpRight, Minus, type IconNode } from "lucide";
import { h, icon, type Child } from "../dom";
import { formatChange, initials, spoken } from "../format";

export function header(title: Child, text: Child = null, ...beside: Child[]): HTMLElement {
  return h(
    "header",
    { class: "page-header" },
    h("div", {}, h("h1", { tabindex: -1 }, title), text !== null && h("p", { class: "quiet" }, text)),
    beside,
  );
}

export function card(title: string, attributes: { class?: string; note?: Child }, ...content: Child[]): HTMLElement {
  return h(
    "section",
    { class: `card ${attributes.class ?? ""}` },
    h(
      "div",
      { class: "card-header" },
      h("h2", {}, title),
      attributes.note && h("div", { class: "quiet" }, attributes.note),
    ),
    content,
  );
}

export interface Figure {
  readonly label: string;
  readonly value: string;
  readonly picture: IconNode;
  readonly note?: Child;
}

export function figures(items: readonly Figure[]): HTMLElement {
  return h(
    "dl",
    { class: "figures" },
    items.map(({ label, value, picture, note }) =>
      h(
        "div",
        { class: "card figure" },
        h("dt", {}, icon(picture), label),
        h("dd", {}, h("span", { class: "value" }, value), note && h("span", { class: "note" }, note)),
      ),
    ),
  );
}

/** Shows a change in percent; `goodWhen` says which direction is pleasant. */
export function change(percent: number | null, text: string, goodWhen: "up" | "down" = "up"): Child {
  if (percent === null) return text;
  const direction = percent > 0 ? "up" : percent < 0 ? "down" : "flat";
  const tone = direction === "flat" ? "calm" : direction === goodWhen ? "good" : "bad";
  const arrow = { up: ArrowUpRight, down: ArrowDownRight, flat: Minus }[direction];
  return [h("span", { class: `change ${tone}` }, icon(arrow), formatChange(percent)), " ", text];
}

const TONES: Readonly<Record<string, string>> = {
  active: "good",
  frozen: "cool",
  expired: "bad",
  on_leave: "warm",
  open: "warm",
  contacted: "cool",
  converted: "good",
  lost: "calm",
};

export function badge(status: string): HTMLElement {
  return h("span", { class: `badge ${TONES[status] ?? "calm"}` }, spoken(status));
}

/** A round picture with somebody's initials. */
export function avatar(name: string, size: "" | "large" = ""): HTMLElement {
  const shade = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;
  return h("span", { class: `avatar shade-${shade} ${size}`, "aria-hidden": "true" }, initials(name));
}

export function person(name: Child, text: Child): Child {
  return h("span", { class: "person" }, h("span", { class: "person-name" }, name), h("span", { class: "quiet" }, text));
}

export function empty(picture: IconNode, text: Child, action: Child = null): HTMLElement {
  return h("div", { class: "empty" }, h("div", { class: "empty-picture" }, icon(picture)), h("p", {}, text), action);
}

/** Names and values, one under the other. */
export function facts(pairs: readonly (readonly [string, Child])[]): HTMLElement {
  return h(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}
