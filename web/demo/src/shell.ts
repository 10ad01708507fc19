// What stands around every page: the menu, the bar with the user switcher, and the places of page, events and assistant.
import { ChevronsUpDown, Check, Menu, Moon, PanelRight, Sun } from "lucide";
import type { FrontdeskChat } from "./assistant";
import { changeAppearance, isDark, onAppearance } from "./appearance";
import { h, icon, type Child } from "./dom";
import type { MenuItem } from "./pages";
import { addressOf, currentUser, ROLE_NAMES, ROLES, TENANTS, type Tenant, type User } from "./session";

export interface Places {
  readonly outlet: HTMLElement;
  readonly events: { readonly panel: HTMLElement; readonly button: HTMLElement };
  readonly assistant: FrontdeskChat;
}

/** Puts the shell into the document. */
export function showShell(menu: readonly MenuItem[], { outlet, events, assistant }: Places): void {
  const dock = h("aside", { class: "dock", id: "dock", "aria-label": "Assistant" }, assistant);
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#main", onclick: skipTo(outlet) }, "Skip to the page"),
    navigation(menu),
    h(
      "div",
      { class: "middle" },
      h(
        "header",
        { class: "bar" },
        h(
          "button",
          {
            class: "button icon-button menu-button",
            type: "button",
            popovertarget: "navigation",
            "aria-label": "Menu",
          },
          icon(Menu),
        ),
        userSwitcher(assistant),
        h("span", { class: "spring" }),
        events.button,
        themeButton(),
        dockButton(dock),
      ),
      outlet,
      events.panel,
    ),
    dock,
  );
}

/** Marks the menu's entry of the shown page, and closes what lies over the page. */
export function markMenu(path: string): void {
  for (const link of document.querySelectorAll<HTMLAnchorElement>("#navigation a")) {
    const target = link.hash.slice(1);
    const isHere = path === target || path.startsWith(`${target}/`);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const open of document.querySelectorAll<HTMLElement>(":popover-open")) open.hidePopover();
}

/** The target of a link in this application is a page, so this one moves the focus itself. */
function skipTo(outlet: HTMLElement) {
  return (event: Event) => {
    event.preventDefault();
    outlet.querySelector("h1")?.focus();
  };
}

function navigation(menu: readonly MenuItem[]): HTMLElement {
  const { tenant } = currentUser;
  return h(
    "nav",
    { class: "navigation", id: "navigation", popover: "auto", "aria-label": "Studio" },
    h(
      "div",
      { class: "brand" },
      h("span", { class: "mark", "aria-hidden": "true" }, tenant.name.charAt(0)),
      h(
        "span",
        { class: "person" },
        h("span", { class: "person-name" }, tenant.name),
        h("span", { class: "quiet" }, tenant.city),
      ),
    ),
    h(
      "ul",
      {},
      menu.map(({ path, label, picture }) => h("li", {}, h("a", { href: `#${path}` }, icon(picture), label))),
    ),
    h("p", { class: "quiet small" }, "An invented business. Its data is made anew each day."),
  );
}

function userSwitcher(assistant: FrontdeskChat): Child {
  const { tenant, role } = currentUser;
  return [
    h(
      "button",
      { class: "button switcher", type: "button", popovertarget: "users" },
      h("span", { class: "mark small", "aria-hidden": "true" }, ROLES[role].charAt(0)),
      h("span", { class: "visually-hidden" }, "Signed in as "),
      ROLES[role],
      h("span", { class: "switcher-tenant" }, h("span", { class: "visually-hidden" }, " of "), tenant.name),
      h("span", { class: "visually-hidden" }, ". Change user"),
      icon(ChevronsUpDown),
    ),
    h(
      "div",
      { class: "users", id: "users", popover: "auto", role: "group", "aria-label": "Users" },
      TENANTS.map((tenant) => usersOf(tenant, assistant)),
    ),
  ];
}

function usersOf(tenant: Tenant, assistant: FrontdeskChat): Child {
  const isHere = (role: User["role"]) => tenant.id === currentUser.tenant.id && role === currentUser.role;
  return h(
    "div",
    { "data-accent": tenant.accent },
    h("h2", {}, tenant.name, h("span", { class: "quiet" }, tenant.city)),
    h(
      "ul",
      {},
      ROLE_NAMES.map((role) =>
        h(
          "li",
          {},
          h(
            "a",
            {
              href: `${addressOf({ tenant, role })}#/dashboard`,
              "aria-current": isHere(role) ? "true" : null,
              onclick: isHere(role) ? null : signOut(assistant),
            },
            h("span", { class: "mark small", "aria-hidden": "true" }, ROLES[role].charAt(0)),
            h(
              "span",
              { class: "person" },
              h("span", { class: "person-name" }, ROLES[role]),
              h("span", { class: "quiet" }, SEES[role]),
            ),
            isHere(role) && icon(Check),
          ),
        ),
      ),
    ),
  );
}

/** Who leaves takes with them what the assistant shows and keeps. A link that opens another tab leaves this one as it is. */
function signOut(assistant: FrontdeskChat) {
  return (event: MouseEvent) => {
    if (!(event.ctrlKey || event.metaKey || event.shiftKey)) assistant.signOut();
  };
}

const SEES = { owner: "Sees everything", trainer: "Sees one branch", client: "Sees themselves" } as const;

function themeButton(): HTMLElement {
  const button = h("button", { class: "button icon-button", type: "button" });
  button.addEventListener("click", () => changeAppearance({ theme: isDark() ? "light" : "dark" }));
  const tell = () => {
    button.setAttribute("aria-label", isDark() ? "Switch to light mode" : "Switch to dark mode");
    button.replaceChildren(icon(isDark() ? Sun : Moon));
  };
  tell();
  onAppearance(tell);
  return button;
}

/** Folds the assistant's column away and out again, where it has one. */
function dockButton(dock: HTMLElement): HTMLElement {
  const button = h(
    "button",
    {
      class: "button icon-button dock-button",
      type: "button",
      "aria-label": "Assistant",
      "aria-controls": "dock",
      "aria-expanded": "true",
    },
    icon(PanelRight),
  );
  button.addEventListener("click", () => {
    const isFolded = dock.classList.toggle("is-folded");
    button.setAttribute("aria-expanded", String(!isFolded));
  });
  return button;
}
