// Memberships: how many of each plan, and which ones end soon.
import { CalendarClock, CircleCheck, Snowflake, TicketX } from "lucide";
import { h, type Child } from "../dom";
import { formatDay, formatDayOfYear, formatMoney, formatNumber } from "../format";
import { avatar, card, empty, figures, header, person } from "../parts/blocks";
import { bars } from "../parts/charts";
import { table } from "../parts/table";
import type { Page } from "../router";
import { isStaff } from "../session";
import { read, readOwn, type Client, type Expiring, type List, type MembershipsStats } from "../studio";
import { membershipCard } from "./client";

const DAYS = 30;
const SHOWN = 30;

interface StaffData {
  readonly stats: MembershipsStats;
  readonly expiring: List<Expiring>;
}

export const memberships: Page<StaffData | { readonly own: Client }> = {
  pattern: "/memberships",
  title: () => "Memberships",
  async load(_place, signal) {
    if (!isStaff) return { own: await readOwn(signal) };
    const [stats, expiring] = await Promise.all([
      read<MembershipsStats>("/memberships/stats", {}, signal),
      read<List<Expiring>>("/memberships/expiring", { days: DAYS }, signal),
    ]);
    return { stats, expiring };
  },
  view: (data) =>
    "own" in data
      ? [header("My membership"), h("div", { class: "columns-1-1" }, membershipCard(data.own))]
      : viewStaff(data),
};

function viewStaff({ stats, expiring }: StaffData): Child {
  return [
    header("Memberships", "Plans, and who to call for a renewal"),
    figures([
      { label: "Active", value: formatNumber(stats.active), picture: CircleCheck },
      { label: "Frozen", value: formatNumber(stats.frozen), picture: Snowflake },
      { label: "Ending in 7 days", value: formatNumber(stats.expiring_in_7_days), picture: CalendarClock },
      { label: "Expired", value: formatNumber(stats.expired), picture: TicketX },
    ]),
    card(
      "Active memberships by plan",
      {},
      bars(
        stats.plans.map(({ plan, active, price }) => ({
          label: [plan, h("span", { class: "quiet" }, ` ${formatMoney(price, stats.currency)}`)],
          value: active,
          text: formatNumber(active),
        })),
      ),
    ),
    card(
      `Ending in the next ${DAYS} days`,
      { class: "list-card", note: counted(expiring.total) },
      table(
        "Memberships that end soon",
        [
          {
            label: "Name",
            cell: (row) =>
              h("span", { class: "with-avatar" }, avatar(row.name), person(clientLink(row), h("bdi", {}, row.phone))),
          },
          { label: "Ends", cell: (row) => formatDay(row.ends_on) },
          { label: "Plan", cell: (row) => row.plan, from: "medium" },
          { label: "Branch", cell: (row) => row.branch, from: "wide" },
        ],
        expiring.items.slice(0, SHOWN),
      ),
    ),
  ];
}

function counted(total: number): string {
  return total > SHOWN ? `The next ${SHOWN} of ${formatNumber(total)}` : formatNumber(total);
}

export function expiringList(items: readonly Expiring[]): Child {
  if (items.length === 0) return empty(CalendarClock, "No membership ends this week.");
  return h(
    "ul",
    { class: "rows" },
    items.map((row) =>
      h(
        "li",
        {},
        avatar(row.name),
        person(clientLink(row), row.plan),
        h("span", { class: `row-end ${row.days_left < 2 ? "urgent" : "quiet"}` }, whenOf(row)),
      ),
    ),
  );
}

function clientLink(row: Expiring): Child {
  return h("a", { href: `#/clients/${row.client_id}` }, row.name);
}

function whenOf({ days_left: days, ends_on: day }: Expiring): string {
  if (days === 0) return "today";
  return days === 1 ? "tomorrow" : formatDayOfYear(day);
}
