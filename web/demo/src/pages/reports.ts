// Money: this month or the last one, beside the time before.
import { HandCoins, PiggyBank, Receipt } from "lucide";
import { h } from "../dom";
import { formatDay, formatMoney, spoken } from "../format";
import { card, change, figures, header } from "../parts/blocks";
import { bars } from "../parts/charts";
import { chosenOf, segments } from "../parts/filters";
import type { Page } from "../router";
import { read, type Report } from "../studio";

const PERIODS = { "": "This month", last_month: "Last month", this_year: "This year" };

export const reports: Page<Report> = {
  pattern: "/reports",
  staffOnly: true,
  title: () => "Reports",
  load: ({ query }, signal) =>
    read("/reports/income-expense", { period: chosenOf(query, "period", PERIODS) || "this_month" }, signal),
  view: (report, { query }) => {
    const money = (amount: number) => formatMoney(amount, report.currency);
    const compared = "on the time before";
    return [
      header(
        "Reports",
        `${formatDay(report.from)} – ${formatDay(report.to)}`,
        segments("period", "Period", PERIODS, chosenOf(query, "period", PERIODS)),
      ),
      figures([
        {
          label: "Income",
          value: money(report.income),
          picture: HandCoins,
          note: change(report.change_percent.income, compared),
        },
        {
          label: "Expenses",
          value: money(report.expense),
          picture: Receipt,
          note: change(report.change_percent.expense, compared, "down"),
        },
        {
          label: "Net profit",
          value: money(report.net),
          picture: PiggyBank,
          note: change(report.change_percent.net, compared),
        },
      ]),
      h(
        "div",
        { class: "columns-1-1" },
        card("Income by kind", {}, bars(report.income_by_kind.map((row) => bar(row.kind, row.amount, money)))),
        card(
          "Expenses by category",
          {},
          bars(report.expense_by_category.map((row) => bar(row.category, row.amount, money))),
        ),
      ),
    ];
  },
};

function bar(name: string, amount: number, money: (amount: number) => string) {
  return { label: spoken(name), value: amount, text: money(amount) };
}
