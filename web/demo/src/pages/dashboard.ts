// The first page: how the studio does, at a glance. A client sees their own part of it instead.
import { CalendarCheck, HandCoins, Inbox, Users } from "lucide";
import { h, type Child } from "../dom";
import { firstOfMonth, formatMoney, formatMonth, formatNumber, formatToday, isoDay } from "../format";
import { card, change, figures, header, type Figure } from "../parts/blocks";
import { bars, columnChart, ring } from "../parts/charts";
import type { Page } from "../router";
import { currentUser, isStaff } from "../session";
import {
  read,
  readOwn,
  type AttendanceStats,
  type Branch,
  type Branches,
  type Client,
  type ClientsStats,
  type EnquiriesStats,
  type Expiring,
  type List,
  type MembershipsStats,
  type Report,
  type StudioClass,
  type Totals,
} from "../studio";
import { classList } from "./classes";
import { membershipCard, visitsCard } from "./client";
import { expiringList } from "./memberships";

const MONTHS = 6;
const SHOWN = 6;

interface StaffData {
  readonly clients: ClientsStats;
  readonly attendance: AttendanceStats;
  readonly branches: Branches;
  readonly memberships: MembershipsStats;
  readonly expiring: List<Expiring>;
  readonly report: Report;
  readonly months: readonly { readonly first: string; readonly totals: Totals }[];
  readonly classes: List<StudioClass>;
  readonly enquiries: EnquiriesStats;
}

interface OwnData {
  readonly own: Client;
  readonly attendance: AttendanceStats;
  readonly classes: List<StudioClass>;
}

export const dashboard: Page<StaffData | OwnData> = {
  pattern: "/dashboard",
  title: () => "Dashboard",
  load: (_place, signal) => (isStaff ? loadStaff(signal) : loadOwn(signal)),
  view: (data) => ("own" in data ? viewOwn(data) : viewStaff(data)),
};

async function loadStaff(signal: AbortSignal): Promise<StaffData> {
  const [clients, attendance, branches, memberships, expiring, report, classes, enquiries, ...months] =
    await Promise.all([
      read<ClientsStats>("/clients/stats", {}, signal),
      read<AttendanceStats>("/attendance/stats", {}, signal),
      read<Branches>("/branches", {}, signal),
      read<MembershipsStats>("/memberships/stats", {}, signal),
      read<List<Expiring>>("/memberships/expiring", { days: 7 }, signal),
      read<Report>("/reports/income-expense", {}, signal),
      read<List<StudioClass>>("/classes", { weekday: today() }, signal),
      read<EnquiriesStats>("/enquiries/stats", {}, signal),
      ...Array.from({ length: MONTHS }, (_, at) => loadMonth(MONTHS - 1 - at, signal)),
    ]);
  return { clients, attendance, branches, memberships, expiring, report, classes, enquiries, months };
}

async function loadMonth(monthsAgo: number, signal: AbortSignal) {
  const first = isoDay(firstOfMonth(monthsAgo));
  const last = new Date(firstOfMonth(monthsAgo - 1).getTime() - 86_400_000);
  const { income, expense, net } = await read<Report>(
    "/reports/income-expense",
    { from: first, to: isoDay(last) },
    signal,
  );
  return { first, totals: { income, expense, net } };
}

async function loadOwn(signal: AbortSignal): Promise<OwnData> {
  const [own, attendance, classes] = await Promise.all([
    readOwn(signal),
    read<AttendanceStats>("/attendance/stats", {}, signal),
    read<List<StudioClass>>("/classes", { weekday: today() }, signal),
  ]);
  return { own, attendance, classes };
}

/** Returns today's weekday as the API counts: Monday is 0. */
function today(): number {
  return (new Date().getUTCDay() + 6) % 7;
}

function viewStaff(data: StaffData): Child {
  const { currency } = data.report;
  const { plans, active, frozen, expired, total } = data.memberships;
  return [
    header("Dashboard", `${formatToday()} · ${currentUser.tenant.name}, ${currentUser.tenant.city}`),
    figures(keyFigures(data)),
    h(
      "div",
      { class: "columns-2-1" },
      card(
        "Income and expenses",
        { note: `Last ${MONTHS} months` },
        columnChart(
          "Income and expenses of the last months",
          [
            { name: "Income", tone: "strong" },
            { name: "Expenses", tone: "soft" },
          ],
          data.months.map(({ first, totals }) => ({
            label: formatMonth(first),
            values: [totals.income, totals.expense],
          })),
          (value) => formatMoney(value, currency, { short: true }),
          { height: 236 },
        ),
      ),
      card(
        "Memberships",
        { note: `${plans.length} plans` },
        ring(
          [
            { label: "Active", value: active, tone: "strong" },
            { label: "Frozen", value: frozen, tone: "cool" },
            { label: "Expired", value: expired, tone: "soft" },
          ],
          formatNumber(total),
          "clients",
        ),
      ),
    ),
    h(
      "div",
      { class: "columns-1-1" },
      card(
        data.branches.total > 1 ? "Branches" : "Branch",
        { note: "Income this month" },
        bars(data.branches.items.map((branch) => branchBar(branch, currency))),
        h("h3", {}, "Active memberships by plan"),
        bars(plans.map(({ plan, active: clients }) => ({ label: plan, value: clients, text: formatNumber(clients) }))),
      ),
      card(
        "Ending this week",
        { note: h("a", { href: "#/memberships" }, `All ${formatNumber(data.expiring.total)}`) },
        expiringList(data.expiring.items.slice(0, SHOWN)),
      ),
    ),
    card("Classes today", { note: h("a", { href: "#/classes" }, "Whole week") }, classList(data.classes.items)),
  ];
}

function branchBar({ name, active_clients: clients, income_this_month: income }: Branch, currency: string) {
  const label: Child = [name, h("span", { class: "quiet" }, ` ${formatNumber(clients)} active clients`)];
  return { label, value: income, text: formatMoney(income, currency) };
}

function keyFigures({ clients, attendance, report, enquiries }: StaffData): Figure[] {
  return [
    {
      label: "Active clients",
      value: formatNumber(clients.active),
      picture: Users,
      note: `${formatNumber(clients.newThisMonth)} new this month`,
    },
    {
      label: "Visits today",
      value: formatNumber(attendance.today),
      picture: CalendarCheck,
      // No change in percent: a day that has just begun is no worse than a whole one.
      note: `${formatNumber(attendance.yesterday)} yesterday`,
    },
    {
      label: "Income",
      value: formatMoney(report.income, report.currency),
      picture: HandCoins,
      note: change(report.change_percent.income, `on ${formatMonth(report.previous.from)}`),
    },
    {
      label: "Open enquiries",
      value: formatNumber(enquiries.open),
      picture: Inbox,
      note: `${formatNumber(enquiries.new_this_month)} new this month`,
    },
  ];
}

function viewOwn({ own, attendance, classes }: OwnData): Child {
  return [
    header(
      `Hello, ${own.name.split(" ")[0]}`,
      `${formatToday()} · ${own.branch}`,
      h("a", { class: "button", href: `#/clients/${own.id}` }, "My page"),
    ),
    h("div", { class: "columns-1-1" }, membershipCard(own), visitsCard(own, attendance)),
    card("Classes today", { note: h("a", { href: "#/classes" }, "Whole week") }, classList(classes.items)),
  ];
}
