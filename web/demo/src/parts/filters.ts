// Filters of lists and reports. They live in the address, so that a page can be linked and reloaded as it is.
import { h } from "../dom";
import { setFilters } from "../router";

/** Buttons of which one is chosen. `options` maps each value to its label; "" is the one that filters nothing. */
export function segments(filter: string, label: string, options: Options, chosen: string): HTMLElement {
  return h(
    "div",
    { class: "segments", role: "group", "aria-label": label },
    Object.entries(options).map(([value, text]) =>
      h(
        "button",
        {
          id: `${filter}-${value || "any"}`,
          type: "button",
          "aria-pressed": String(value === chosen),
          onclick: () => setFilters({ [filter]: value, page: "" }),
        },
        text,
      ),
    ),
  );
}

type Options = Readonly<Record<string, string>>;

/** Returns the value of a filter, "" where it is none of the options. */
export function chosenOf(query: URLSearchParams, filter: string, options: Options): string {
  const wanted = query.get(filter) ?? "";
  return Object.hasOwn(options, wanted) ? wanted : "";
}

/** Returns the number of the page of a list, from 1 on. */
export function pageOf(query: URLSearchParams): number {
  const page = Number(query.get("page") ?? 1);
  return Number.isInteger(page) && page > 0 && page < 10_000 ? page : 1;
}
