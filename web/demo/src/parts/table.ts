// Tables, and going through long ones. In a narrow room, columns that matter less are left out.
import { ChevronLeft, ChevronRight } from "lucide";
import { h, icon, type Child } from "../dom";
import { formatNumber } from "../format";
import { setFilters } from "../router";

export interface Column<Row> {
  readonly label: string;
  cell(row: Row): Child;
  /** In which room it is shown: always, or from a medium or a wide one on. */
  readonly from?: "medium" | "wide";
  readonly numeric?: boolean;
}

export function table<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  keyOf?: (row: Row) => number | string,
): HTMLElement {
  const classes = columns.map(({ from, numeric }) =>
    `${from ? `from-${from}` : ""} ${numeric ? "numeric" : ""}`.trim(),
  );
  return h(
    "table",
    {},
    h("caption", { class: "visually-hidden" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map(({ label }, at) => h("th", { scope: "col", class: classes[at] }, label)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          { "data-key": keyOf?.(row) },
          columns.map((column, at) => h("td", { class: classes[at] }, column.cell(row))),
        ),
      ),
    ),
  );
}

/** Says which part of a list is shown, and goes to the others. */
export function pager(page: number, size: number, total: number): HTMLElement {
  const first = total === 0 ? 0 : (page - 1) * size + 1;
  const last = Math.min(page * size, total);
  const step = (id: string, label: string, to: number, enabled: boolean, picture: Child) =>
    h(
      "button",
      {
        id,
        class: "button icon-button",
        type: "button",
        "aria-label": label,
        "aria-disabled": enabled ? null : "true",
        onclick: () => enabled && setFilters({ page: to === 1 ? "" : String(to) }),
      },
      picture,
    );
  return h(
    "nav",
    { class: "pager", "aria-label": "Pages of the list" },
    h(
      "p",
      { class: "quiet", role: "status" },
      `${formatNumber(first)}–${formatNumber(last)} of ${formatNumber(total)}`,
    ),
    step("page-before", "Previous page", page - 1, page > 1, icon(ChevronLeft)),
    step("page-after", "Next page", page + 1, last < total, icon(ChevronRight)),
  );
}
