// The trainers; staff also see how much each one has to do.
import { h, type Child } from "../dom";
import { formatNumber } from "../format";
import { avatar, badge, card, header, person } from "../parts/blocks";
import { bars } from "../parts/charts";
import { table, type Column } from "../parts/table";
import type { Page } from "../router";
import { isStaff } from "../session";
import { read, type List, type Trainer } from "../studio";

interface Data {
  readonly trainers: List<Trainer>;
  readonly busy: List<Trainer> | null;
}

export const trainers: Page<Data> = {
  pattern: "/trainers",
  title: () => "Trainers",
  async load(_place, signal) {
    const [found, busy] = await Promise.all([
      read<List<Trainer>>("/trainers", {}, signal),
      isStaff ? read<List<Trainer>>("/trainers/stats", {}, signal) : null,
    ]);
    return { trainers: found, busy };
  },
  view: ({ trainers: found, busy }) => [
    header("Trainers", `${formatNumber(found.total)} trainers`),
    busy && card("Active clients of each", {}, bars(busy.items.map(work))),
    card("The team", { class: "list-card" }, table("Trainers", COLUMNS, found.items)),
  ],
};

const COLUMNS: readonly Column<Trainer>[] = [
  {
    label: "Name",
    cell: (row) => h("span", { class: "with-avatar" }, avatar(row.name), person(row.name, row.speciality)),
  },
  { label: "Branch", cell: (row) => row.branch, from: "medium" },
  { label: "State", cell: (row) => badge(row.status) },
];

function work({ name, active_clients: clients = 0, classes_per_week: lessons = 0 }: Trainer) {
  const label: Child = [name, h("span", { class: "quiet" }, ` ${lessons} classes a week`)];
  return { label, value: clients, text: formatNumber(clients) };
}
