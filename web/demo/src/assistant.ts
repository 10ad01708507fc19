// The assistant in the page: a `<frontdesk-chat>`, told who the user is and what this page can do.
import type { ReceivedEvent } from "@frontdesk/client";
import { changeAppearance, currentAppearance, onAppearance } from "./appearance";
import { h } from "./dom";
import { keep, kept } from "./kept";
import type { Router } from "./router";
import { addressOf, currentUser, token } from "./session";

/** What this page uses of the element. */
export interface FrontdeskChat extends HTMLElement {
  open: boolean;
  user: string;
  signOut(): void;
  token: () => Promise<string>;
  actions: Readonly<Record<string, (value: string) => void>>;
  tools: Readonly<Record<string, () => unknown>>;
  context: () => Record<string, unknown>;
}

export const LANGUAGES = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  pt: "Português",
  hi: "हिन्दी",
  ar: "العربية",
} as const;

const LANGUAGE_KEY = "studio:language";
/** From this width on the assistant has a column of its own; in less room it is a button that opens it. */
const DOCKED = "(min-width: 75rem)";

/** In so little room the open assistant covers the page, so it makes way for a page that it opens. */
const COVERED = "(max-width: 480px)";

const element = h("frontdesk-chat" as "div", {
  url: "/",
  locale: currentUser.tenant.locale,
  "link-paths": "/clients/*",
  compare: "",
}) as unknown as FrontdeskChat;

/** Returns the assistant, at work in this page. */
export function makeAssistant(router: Router, onEvent: (received: ReceivedEvent) => void): FrontdeskChat {
  element.user = addressOf(currentUser);
  element.token = token;
  element.context = () => ({ route: location.hash.slice(1), role: currentUser.role });
  element.actions = {
    navigate(path) {
      if (router.go(path) && matchMedia(COVERED).matches) element.open = false;
    },
    change_theme: (theme) => changeAppearance({ theme }),
    change_accent: (accent) => changeAppearance({ accent }),
  };
  element.tools = { read_filter: readFilter };
  element.addEventListener("click", (event) => {
    const link = event.composedPath().find((node): node is HTMLAnchorElement => node instanceof HTMLAnchorElement);
    if (!link || link.origin !== location.origin || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault(); // the pages have no addresses of their own at the server
    element.actions.navigate?.(link.pathname);
  });
  element.addEventListener("frontdesk-event", (event) => {
    const received = (event as CustomEvent<ReceivedEvent>).detail;
    onEvent(received);
    if (mayHaveChanged(received)) void router.refresh();
  });
  dress();
  onAppearance(dress);
  changeLanguage(currentLanguage());
  const wide = matchMedia(DOCKED);
  const place = () => element.setAttribute("mode", wide.matches ? "inline" : "panel");
  wide.addEventListener("change", place);
  place();
  return element;
}

/** Returns what the page is filtered by. Only what its pages know of goes to the assistant, not all of an address. */
function readFilter(): Readonly<Record<string, string>> {
  const [route = "", search] = location.hash.slice(1).split("?", 2);
  const query = new URLSearchParams(search);
  return { route, search: query.get("search")?.slice(0, 100) ?? "", status: query.get("status") ?? "" };
}

function dress(): void {
  element.setAttribute("theme", currentAppearance().theme);
}

/** Whether the studio's data may be different now: a tool has done its work. */
function mayHaveChanged({ event }: ReceivedEvent): boolean {
  return "tool_call" in event && (event.tool_call as { status: string }).status === "ok";
}

export function currentLanguage(): string {
  const chosen = kept("localStorage", LANGUAGE_KEY) ?? "en";
  return Object.hasOwn(LANGUAGES, chosen) ? chosen : "en";
}

export function changeLanguage(language: string): void {
  keep("localStorage", LANGUAGE_KEY, language);
  element.setAttribute("lang", language);
}
