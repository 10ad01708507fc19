// The list of clients: found by name, phone or email, filtered by the state of their membership.
import { Search, UserX } from "lucide";
import { h, icon, type Child } from "../dom";
import { formatDay, formatNumber } from "../format";
import { avatar, badge, card, empty, header, person } from "../parts/blocks";
import { chosenOf, pageOf, segments } from "../parts/filters";
import { pager, table, type Column } from "../parts/table";
import { setFilters, type Page, type Place } from "../router";
import { read, type ClientRow, type List } from "../studio";

const SIZE = 12;
const STATUSES = { "": "All", active: "Active", frozen: "Frozen", expired: "Expired" };
const TYPING_MS = 200;

export const clients: Page<List<ClientRow>> = {
  pattern: "/clients",
  title: () => "Clients",
  load({ query }, signal) {
    const offset = (pageOf(query) - 1) * SIZE;
    const filters = { search: query.get("search")?.slice(0, 100), status: chosenOf(query, "status", STATUSES) };
    return read("/clients", { ...filters, limit: SIZE, offset }, signal);
  },
  view: (found, place) => [
    header("Clients", `${formatNumber(found.total)} ${found.total === 1 ? "client" : "clients"} found`),
    card(
      "All clients",
      { class: "list-card" },
      filters(place),
      rows(found),
      pager(pageOf(place.query), SIZE, found.total),
    ),
  ],
};

function filters({ query }: Place): Child {
  return h(
    "div",
    { class: "filters" },
    h(
      "label",
      { class: "search" },
      icon(Search),
      h("span", { class: "visually-hidden" }, "Search by name, phone or email"),
      h("input", {
        id: "client-search",
        type: "search",
        placeholder: "Name, phone or email",
        maxlength: 100,
        autocomplete: "off",
        value: query.get("search") ?? "",
        oninput: searchSoon,
      }),
    ),
    segments("status", "Membership", STATUSES, chosenOf(query, "status", STATUSES)),
  );
}

let typing = 0;

/** Searches when the typing pauses. */
function searchSoon(event: InputEvent): void {
  const { value } = event.target as HTMLInputElement;
  clearTimeout(typing);
  typing = window.setTimeout(() => setFilters({ search: value, page: "" }), TYPING_MS);
}

const COLUMNS: readonly Column<ClientRow>[] = [
  {
    label: "Name",
    cell: (row) =>
      h(
        "span",
        { class: "with-avatar" },
        avatar(row.name),
        person(h("a", { href: `#/clients/${row.id}` }, row.name), h("bdi", {}, row.phone)),
      ),
  },
  { label: "Membership", cell: (row) => badge(row.status) },
  { label: "Plan", cell: (row) => row.plan, from: "medium" },
  { label: "Ends", cell: (row) => formatDay(row.membership_ends_on), from: "medium" },
  { label: "Branch", cell: (row) => row.branch, from: "wide" },
];

function rows({ items }: List<ClientRow>): Child {
  if (items.length === 0) return empty(UserX, "Nobody fits. Try another name or another filter.");
  return table("Clients", COLUMNS, items, (row) => row.id);
}
