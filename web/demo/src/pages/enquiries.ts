// People who asked and are not clients yet. What the assistant files appears here by itself.
import { CircleCheck, Inbox, MessageCircle, Percent } from "lucide";
import { h } from "../dom";
import { formatDay, formatNumber } from "../format";
import { avatar, badge, card, empty, figures, header, person } from "../parts/blocks";
import { chosenOf, pageOf, segments } from "../parts/filters";
import { pager, table, type Column } from "../parts/table";
import type { Page } from "../router";
import { read, type EnquiriesStats, type Enquiry, type List } from "../studio";

const SIZE = 12;
const STATUSES = { "": "All", open: "Open", contacted: "Contacted", converted: "Converted", lost: "Lost" };

interface Data {
  readonly stats: EnquiriesStats;
  readonly found: List<Enquiry>;
}

export const enquiries: Page<Data> = {
  pattern: "/enquiries",
  staffOnly: true,
  title: () => "Enquiries",
  async load({ query }, signal) {
    const filters = { status: chosenOf(query, "status", STATUSES), limit: SIZE, offset: (pageOf(query) - 1) * SIZE };
    const [stats, found] = await Promise.all([
      read<EnquiriesStats>("/enquiries/stats", {}, signal),
      read<List<Enquiry>>("/enquiries", filters, signal),
    ]);
    return { stats, found };
  },
  view: ({ stats, found }, { query }) => [
    header("Enquiries", "Who would like to join"),
    figures([
      {
        label: "Open",
        value: formatNumber(stats.open),
        picture: Inbox,
        note: `${formatNumber(stats.new_this_month)} new this month`,
      },
      { label: "Contacted", value: formatNumber(stats.contacted), picture: MessageCircle },
      { label: "Converted", value: formatNumber(stats.converted), picture: CircleCheck },
      { label: "Conversion", value: conversion(stats), picture: Percent, note: "Of those that are closed" },
    ]),
    card(
      "All enquiries",
      { class: "list-card" },
      h("div", { class: "filters" }, segments("status", "State", STATUSES, chosenOf(query, "status", STATUSES))),
      found.items.length === 0
        ? empty(Inbox, "There is none.")
        : table("Enquiries, the newest first", COLUMNS, found.items, (row) => row.id),
      pager(pageOf(query), SIZE, found.total),
    ),
  ],
};

function conversion({ conversion_rate_percent: rate }: EnquiriesStats): string {
  return rate === null ? "–" : `${formatNumber(rate)}%`;
}

const COLUMNS: readonly Column<Enquiry>[] = [
  {
    label: "Name",
    cell: (row) => h("span", { class: "with-avatar" }, avatar(row.name), person(row.name, h("bdi", {}, row.phone))),
  },
  { label: "State", cell: (row) => badge(row.status) },
  { label: "Interest", cell: (row) => row.interest, from: "medium" },
  { label: "Asked on", cell: (row) => formatDay(row.created_on), from: "medium" },
  { label: "Branch", cell: (row) => row.branch, from: "wide" },
];
