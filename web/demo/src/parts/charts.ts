// Charts in SVG: widths in percent and heights in pixels, so that they fill any room and their texts keep their size.
// Those who cannot see them get the same numbers as a table.
import { h, svg, type Child } from "../dom";

export interface Series {
  readonly name: string;
  /** Its colour: `strong` is the accent. */
  readonly tone: "strong" | "soft";
}

export interface Group {
  readonly label: string;
  readonly values: readonly number[];
}

const TOP = 8;
const LABELS = 24;
const AXIS = 9;
const LINES = 4;

/** Groups of columns side by side, one of each series. */
export function columnChart(
  caption: string,
  series: readonly Series[],
  groups: readonly Group[],
  format: (value: number) => string,
  { height = 190 } = {},
): HTMLElement {
  const floor = height - LABELS;
  const top = roundUp(Math.max(1, ...groups.flatMap((group) => group.values)));
  const y = (value: number) => floor - ((floor - TOP) * value) / top;
  const room = (100 - AXIS) / groups.length;
  const width = Math.min((room * 0.62) / series.length, 5);
  const lines = Array.from({ length: LINES + 1 }, (_, line) => (top / LINES) * line);
  return h(
    "figure",
    { class: "chart" },
    series.length > 1 && legend(series),
    svg(
      "svg",
      { class: "columns", height, width: "100%", "aria-hidden": "true" },
      lines.map((value) => [
        svg("line", { class: "line", x1: `${AXIS}%`, x2: "100%", y1: y(value), y2: y(value) }),
        svg("text", { class: "axis", x: `${AXIS - 1.5}%`, y: y(value) + 4, "text-anchor": "end" }, format(value)),
      ]),
      groups.map((group, at) => {
        const middle = AXIS + room * (at + 0.5);
        const told = group.values.map((value, of) => `${series[of]?.name}: ${format(value)}`).join("\n");
        return svg(
          "g",
          { class: "group" },
          svg("title", {}, `${group.label}\n${told}`),
          svg("rect", { class: "band", x: `${AXIS + room * at}%`, width: `${room}%`, y: TOP, height: floor - TOP }),
          group.values.map((value, of) =>
            svg("rect", {
              class: `column ${series[of]?.tone}`,
              x: `${middle + (of - series.length / 2) * width + 0.2}%`,
              width: `${width - 0.4}%`,
              y: y(value),
              height: Math.max(0, floor - y(value)),
              rx: 3,
            }),
          ),
          svg("text", { class: "axis", x: `${middle}%`, y: height - 6, "text-anchor": "middle" }, group.label),
        );
      }),
    ),
    numbers(caption, series, groups, format),
  );
}

function legend(series: readonly Series[]): Child {
  const names = series.map(({ name, tone }) => h("li", {}, h("span", { class: `dot ${tone}` }), name));
  return h("ul", { class: "legend", "aria-hidden": "true" }, names);
}

function numbers(
  caption: string,
  series: readonly Series[],
  groups: readonly Group[],
  format: (value: number) => string,
): HTMLElement {
  const head = h(
    "tr",
    {},
    h("td"),
    series.map(({ name }) => h("th", { scope: "col" }, name)),
  );
  const rows = groups.map(({ label, values }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, label),
      values.map((value) => h("td", {}, format(value))),
    ),
  );
  const table = h("table", {}, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, rows));
  // A table is as wide as what is in it, whatever its style says; only a box around it can be small.
  return h("div", { class: "visually-hidden" }, table);
}

/** Returns a number above that the lines divide into round ones: 17,300 -> 20,000. */
function roundUp(value: number): number {
  if (value <= 2 * LINES) return value <= LINES ? LINES : 2 * LINES;
  const unit = 10 ** Math.max(1, Math.floor(Math.log10(value)));
  const step = [1.2, 1.6, 2, 2.4, 2.8, 3.2, 4, 4.8, 6, 8].find((one) => one * unit >= value) ?? 10;
  return step * unit;
}

export interface Share {
  readonly label: string;
  readonly value: number;
  readonly tone: string;
}

/** A ring of shares around their sum, with a legend that tells the numbers. */
export function ring(shares: readonly Share[], total: string, of: string): HTMLElement {
  const sum = shares.reduce((all, { value }) => all + value, 0) || 1;
  let begun = 0;
  const arcs = shares.map(({ value, tone }) => {
    const length = (value / sum) * 100;
    const arc = svg("circle", {
      class: `arc ${tone}`,
      cx: 60,
      cy: 60,
      r: 50,
      pathLength: 100,
      "stroke-dasharray": `${Math.max(0, length - 1)} 100`,
      "stroke-dashoffset": -begun,
    });
    begun += length;
    return arc;
  });
  return h(
    "div",
    { class: "ring" },
    h(
      "div",
      { class: "ring-picture" },
      svg("svg", { viewBox: "0 0 120 120", "aria-hidden": "true" }, svg("g", { transform: "rotate(-90 60 60)" }, arcs)),
      h("p", {}, h("strong", {}, total), h("span", { class: "quiet" }, of)),
    ),
    h(
      "ul",
      { class: "ring-legend" },
      shares.map(({ label, value, tone }) =>
        h("li", {}, h("span", { class: `dot ${tone}` }), label, h("strong", {}, String(value))),
      ),
    ),
  );
}

export interface Bar {
  readonly label: Child;
  readonly value: number;
  readonly text: string;
}

/** Bars from the longest on, each with its name and number above it. */
export function bars(items: readonly Bar[]): HTMLElement {
  const longest = Math.max(1, ...items.map(({ value }) => value));
  return h(
    "ul",
    { class: "bars" },
    items.map(({ label, value, text }) =>
      h("li", {}, h("span", {}, label), h("strong", {}, text), track((value / longest) * 100)),
    ),
  );
}

/** A line that is filled to so many percent. */
export function track(percent: number): SVGElement {
  const width = `${Math.min(100, Math.max(0, percent))}%`;
  return svg(
    "svg",
    { class: "track", height: 6, width: "100%", "aria-hidden": "true" },
    svg("rect", { class: "track-room", width: "100%", height: 6, rx: 3 }),
    svg("rect", { class: "track-fill", width, height: 6, rx: 3 }),
  );
}
