// The week's classes.
import { CalendarX } from "lucide";
import { h, type Child } from "../dom";
import { formatNumber } from "../format";
import { card, empty, header } from "../parts/blocks";
import type { Page } from "../router";
import { read, type List, type StudioClass } from "../studio";

export const classes: Page<List<StudioClass>> = {
  pattern: "/classes",
  title: () => "Classes",
  load: (_place, signal) => read("/classes", {}, signal),
  view: (found) => {
    const days = [...new Set(found.items.map(({ weekday }) => weekday))];
    return [
      header("Classes", `${formatNumber(found.total)} classes a week`),
      h(
        "div",
        { class: "week" },
        days.map((day) => {
          const ofDay = found.items.filter(({ weekday }) => weekday === day);
          return card(day, { note: formatNumber(ofDay.length) }, classList(ofDay));
        }),
      ),
    ];
  },
};

export function classList(items: readonly StudioClass[]): Child {
  if (items.length === 0) return empty(CalendarX, "No class today.");
  return h(
    "ul",
    { class: "timetable" },
    items.map(({ name, starts_at: time, minutes, trainer, branch, capacity }) =>
      h(
        "li",
        {},
        h("span", { class: "time" }, time, h("span", { class: "quiet" }, `${minutes} min`)),
        h(
          "span",
          { class: "person" },
          h("span", { class: "person-name" }, name),
          h("span", { class: "quiet" }, `${trainer} · ${branch} · ${capacity} places`),
        ),
      ),
    ),
  );
}
