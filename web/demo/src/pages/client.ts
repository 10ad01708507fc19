// One client's page.
import { CalendarCheck, Mail, Phone } from "lucide";
import { h, icon, type Child } from "../dom";
import { formatDay, formatMoney, formatNumber } from "../format";
import { avatar, badge, card, facts } from "../parts/blocks";
import { track } from "../parts/charts";
import type { Page } from "../router";
import { read, type AttendanceStats, type Client } from "../studio";

export const client: Page<Client> = {
  pattern: "/clients/{id}",
  title: (found) => found.name,
  load: ({ id }, signal) => read(`/clients/${id}`, {}, signal),
  view: (found) => [
    h(
      "header",
      { class: "page-header profile" },
      avatar(found.name, "large"),
      h(
        "div",
        {},
        h("h1", { tabindex: -1 }, found.name),
        h("p", { class: "quiet" }, badge(found.status), ` Client ${found.id} · ${found.branch}`),
      ),
    ),
    h(
      "div",
      { class: "columns-1-1" },
      membershipCard(found),
      visitsCard(found),
      contactCard(found),
      card("Notes", {}, h("p", { class: found.notes ? "" : "quiet" }, found.notes || "Nothing was noted.")),
    ),
  ],
};

export function membershipCard(found: Client): HTMLElement {
  const [begun, ends] = [Date.parse(found.membership_starts_on), Date.parse(found.membership_ends_on)];
  const gone = ((Date.now() - begun) / Math.max(1, ends - begun)) * 100;
  return card(
    "Membership",
    { note: badge(found.status) },
    h("p", { class: "headline" }, found.plan, h("span", { class: "quiet" }, formatMoney(found.price, found.currency))),
    track(gone),
    facts([
      ["Since", formatDay(found.membership_starts_on)],
      [ends < Date.now() ? "Ended" : "Ends", formatDay(found.membership_ends_on)],
      ...(found.frozen_until ? [["Frozen until", formatDay(found.frozen_until)] as const] : []),
      ["Paid in total", formatMoney(found.total_paid, found.currency)],
    ]),
  );
}

export function visitsCard(found: Client, attendance?: AttendanceStats): HTMLElement {
  return card(
    "Visits",
    { note: icon(CalendarCheck) },
    h(
      "p",
      { class: "headline" },
      formatNumber(found.visits_last_30_days),
      h("span", { class: "quiet" }, "in the last 30 days"),
    ),
    facts([
      ["Last visit", found.last_visit ? formatDay(found.last_visit) : "Never"],
      ...(attendance ? [["This week", formatNumber(attendance.this_week)] as const] : []),
      ["Trainer", found.trainer],
      ["Client since", formatDay(found.joined_on)],
    ]),
  );
}

function contactCard(found: Client): Child {
  return card(
    "Contact",
    {},
    h(
      "ul",
      { class: "contacts" },
      h("li", {}, icon(Phone), h("a", { href: `tel:${found.phone.replaceAll(" ", "")}` }, h("bdi", {}, found.phone))),
      h("li", {}, icon(Mail), h("a", { href: `mailto:${found.email}` }, found.email)),
    ),
  );
}
