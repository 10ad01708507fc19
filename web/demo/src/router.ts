// Which page is shown. The place is the part of the address after `#`, so that the server needs no route for it.
import { CircleAlert, Lock, SearchX } from "lucide";
import { h, type Child } from "./dom";
import { empty, header } from "./parts/blocks";
import { isStaff } from "./session";
import { StudioError } from "./studio";

/** Where one is: `/clients/1003`, what its pattern found, and the filters behind `?`. */
export interface Place {
  readonly path: string;
  readonly id: string;
  readonly query: URLSearchParams;
}

/** A page: what it needs, and how it shows that. `view` may be called again with newer data. */
export interface Page<Data> {
  /** As in the assistant's `navigate` action; `{id}` stands for one word. */
  readonly pattern: string;
  readonly staffOnly?: boolean;
  title(data: Data): string;
  load(place: Place, signal: AbortSignal): Promise<Data>;
  view(data: Data, place: Place): Child;
}

type AnyPage = Page<unknown>;

export interface Router {
  /** Shows the page of a path, unless there is none. Returns whether there is one. */
  go(path: string): boolean;
  /** Reads the shown page's data again, and draws it where something has changed. */
  refresh(): Promise<void>;
  /** Calls the listener with the path of each page that is shown. */
  onShown(listener: (path: string) => void): void;
}

const HOME = "/dashboard";

export function startRouter(pages: readonly AnyPage[], outlet: HTMLElement, siteName: string): Router {
  const listeners = new Set<(path: string) => void>();
  let shown = { path: "", search: "", data: "" };
  let loading = new AbortController();

  async function show(): Promise<void> {
    loading.abort();
    const mine = (loading = new AbortController());
    const { page, place } = find(location.hash.slice(1) || HOME);
    const isNew = place.path !== shown.path;
    if (isNew) outlet.setAttribute("aria-busy", "true");
    const { title, content, data } = await prepare(page, place, mine.signal);
    if (mine.signal.aborted) return;
    outlet.removeAttribute("aria-busy");
    const search = place.query.toString();
    if (!isNew && data === shown.data && search === shown.search) return;
    const isFirst = shown.path === "";
    shown = { path: place.path, search, data };
    draw(outlet, content, { keep: !isNew });
    document.title = `${title} · ${siteName}`;
    if (!isNew) return;
    for (const listener of listeners) listener(place.path);
    scrollTo(0, 0);
    if (!isFirst && !isElsewhere(outlet)) outlet.querySelector("h1")?.focus({ preventScroll: true });
  }

  function find(target: string): { page: AnyPage | null; place: Place } {
    const [path = "", search = ""] = target.split("?", 2);
    const query = new URLSearchParams(search);
    for (const page of pages) {
      const id = match(page.pattern, path);
      if (id !== null) return { page, place: { path, id, query } };
    }
    return { page: null, place: { path, id: "", query } };
  }

  addEventListener("hashchange", () => void show());
  void show();
  return {
    go(path) {
      if (find(path).page === null) return false;
      location.hash = path;
      return true;
    },
    refresh: show,
    onShown: (listener) => void listeners.add(listener),
  };
}

/** Puts the filters of a page into the address; the page is then shown with them. */
export function setFilters(changes: Readonly<Record<string, string>>): void {
  const [path = "", search = ""] = location.hash.slice(1).split("?", 2);
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  history.replaceState(null, "", `#${path}${text && `?${text}`}`);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

async function prepare(page: AnyPage | null, place: Place, signal: AbortSignal) {
  if (page === null) {
    const content = problem(SearchX, "There is no such page", "Choose one from the menu, or ask the assistant.");
    return { title: "Not found", content, data: "" };
  }
  try {
    if (page.staffOnly && !isStaff) throw new StudioError(403, "Only staff may see this page.");
    const data = await page.load(place, signal);
    return { title: page.title(data), content: page.view(data, place), data: JSON.stringify(data) };
  } catch (error) {
    return { title: "Not available", content: explain(error), data: String(error) };
  }
}

function explain(error: unknown): Child {
  const { status, message } = error instanceof StudioError ? error : new StudioError(500, "Something went wrong.");
  if (status === 403) return problem(Lock, "Not for this user", message);
  if (status === 404 || status === 422) return problem(SearchX, "Not found", message);
  return problem(CircleAlert, "This did not work", message, retryButton());
}

function problem(picture: typeof Lock, title: string, text: string, action?: Child): Child {
  return [header(title), empty(picture, text, action)];
}

function retryButton(): Child {
  return h(
    "button",
    { class: "button", type: "button", onclick: () => dispatchEvent(new Event("hashchange")) },
    "Try again",
  );
}

/** Returns what stands in the place of `{id}`, "" where the pattern has none, null where the path does not fit. */
function match(pattern: string, path: string): string | null {
  const prefix = pattern.replace("{id}", "");
  if (prefix === pattern) return path === pattern ? "" : null;
  const id = path.startsWith(prefix) ? path.slice(prefix.length) : "";
  return /^\w+$/.test(id) ? id : null;
}

/** Whether somebody is busy outside of the page, in the assistant for example: their focus is not to be taken. */
function isElsewhere(outlet: HTMLElement): boolean {
  const active = document.activeElement;
  return active !== null && active !== document.body && !outlet.contains(active) && !active.closest("nav");
}

/** Replaces what is shown. With `keep` it is the same page: the focus stays where it was, and what is new lights up. */
function draw(outlet: HTMLElement, content: Child, { keep }: { keep: boolean }): void {
  const active = document.activeElement;
  const focused = keep && active !== null && outlet.contains(active) ? active : null;
  const known = new Set([...outlet.querySelectorAll<HTMLElement>("[data-key]")].map((row) => row.dataset["key"]));
  outlet.replaceChildren(h("div", { class: "page" }, content));
  if (keep && known.size > 0) {
    for (const row of outlet.querySelectorAll<HTMLElement>("[data-key]")) {
      row.classList.toggle("is-new", !known.has(row.dataset["key"]));
    }
  }
  if (focused?.id) refocus(focused);
}

/** Gives the focus to what took the place of `before`, with what was typed there since the data was asked for. */
function refocus(before: Element): void {
  const again = document.getElementById(before.id);
  again?.focus({ preventScroll: true });
  if (!(before instanceof HTMLInputElement && before.type === "search" && again instanceof HTMLInputElement)) return;
  again.value = before.value;
  again.setSelectionRange(before.selectionStart, before.selectionEnd);
}
