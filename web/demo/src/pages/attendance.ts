// Attendance: who is here today, and how busy the studio is.
import { CalendarCheck, CalendarDays, CalendarRange, Footprints } from "lucide";
import { h, type Child } from "../dom";
import { formatNumber } from "../format";
import { avatar, card, empty, figures, header, person } from "../parts/blocks";
import { bars, columnChart } from "../parts/charts";
import { table } from "../parts/table";
import type { Page } from "../router";
import { isStaff } from "../session";
import { read, type AttendanceStats, type List, type Visit } from "../studio";

interface Data {
  readonly stats: AttendanceStats;
  readonly today: List<Visit>;
}

export const attendance: Page<Data> = {
  pattern: "/attendance",
  title: () => "Attendance",
  async load(_place, signal) {
    const [stats, today] = await Promise.all([
      read<AttendanceStats>("/attendance/stats", {}, signal),
      read<List<Visit>>("/attendance/today", {}, signal),
    ]);
    return { stats, today };
  },
  view: ({ stats, today }) => [
    header("Attendance", stats.busiest_weekday ? `Busiest on ${stats.busiest_weekday}s lately` : null),
    figures([
      {
        label: "Today",
        value: formatNumber(stats.today),
        picture: CalendarCheck,
        note: before("yesterday", stats.yesterday),
      },
      {
        label: "This week",
        value: formatNumber(stats.this_week),
        picture: CalendarDays,
        note: before("last week", stats.last_week),
      },
      {
        label: "This month",
        value: formatNumber(stats.this_month),
        picture: CalendarRange,
        note: before("last month", stats.last_month),
      },
      {
        label: "Daily average",
        value: formatNumber(stats.average_per_day_last_30_days),
        picture: Footprints,
        note: "Last 30 days",
      },
    ]),
    today.total > 0 &&
      isStaff &&
      h(
        "div",
        { class: "columns-2-1" },
        card("Today by time", {}, visitsByHalfHour(today.items)),
        card("Today by branch", {}, visitsByBranch(today.items)),
      ),
    card("Checked in today", { class: "list-card", note: formatNumber(today.total) }, arrivals(today.items)),
  ],
};

function before(when: string, visits: number): string {
  return `${formatNumber(visits)} ${when}`;
}

/** Counts the visits of each half hour from the first to the last one. */
function visitsByHalfHour(visits: readonly Visit[]): Child {
  const halfHour = (time: string) => Number(time.slice(0, 2)) * 2 + (time.slice(3) < "30" ? 0 : 1);
  const times = visits.map(({ time }) => halfHour(time));
  const first = Math.min(...times);
  const spans = Array.from({ length: Math.max(...times) - first + 1 }, (_, at) => first + at);
  return columnChart(
    "Visits today by half hour",
    [{ name: "Visits", tone: "strong" }],
    spans.map((span) => ({
      label: `${Math.floor(span / 2)}:${span % 2 ? "30" : "00"}`,
      values: [times.filter((one) => one === span).length],
    })),
    formatNumber,
  );
}

function visitsByBranch(visits: readonly Visit[]): Child {
  const branches = [...new Set(visits.map(({ branch }) => branch))].sort();
  return bars(
    branches.map((branch) => {
      const value = visits.filter((visit) => visit.branch === branch).length;
      return { label: branch, value, text: formatNumber(value) };
    }),
  );
}

function arrivals(visits: readonly Visit[]): Child {
  if (visits.length === 0) return empty(CalendarCheck, "Nobody has checked in yet.");
  return table(
    "Visits today, the latest first",
    [
      {
        label: "Name",
        cell: (row) =>
          h(
            "span",
            { class: "with-avatar" },
            avatar(row.name),
            person(h("a", { href: `#/clients/${row.client_id}` }, row.name), row.plan),
          ),
      },
      { label: "Time", cell: (row) => row.time, numeric: true },
      { label: "Branch", cell: (row) => row.branch, from: "medium" },
    ],
    [...visits].reverse(),
    (row) => row.client_id,
  );
}
