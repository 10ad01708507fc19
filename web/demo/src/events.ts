// The raw events of the assistant's stream, as they arrive: what a developer would see with curl.
import type { ReceivedEvent } from "@frontdesk/client";
import { Activity, Trash2, X } from "lucide";
import { h, icon } from "./dom";

const KEPT = 400;
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

export interface EventsPanel {
  readonly panel: HTMLElement;
  readonly button: HTMLButtonElement;
  add(received: ReceivedEvent): void;
}

export function makeEventsPanel(): EventsPanel {
  const list = h("ol", { tabindex: 0, "aria-label": "Events in the order of their arrival" });
  const count = h("span", { class: "count" }, "0");
  const close = h("button", { class: "button icon-button", type: "button", "aria-label": "Close the events" }, icon(X));
  const clear = h(
    "button",
    { class: "button icon-button", type: "button", "aria-label": "Clear the events" },
    icon(Trash2),
  );
  const waiting = h(
    "p",
    { class: "quiet" },
    "Ask the assistant something: each event of the stream appears here as it arrives.",
  );
  const panel = h(
    "section",
    { class: "events", id: "events", "aria-labelledby": "events-title", hidden: true },
    h("div", { class: "events-header" }, h("h2", { id: "events-title" }, "Events"), count, clear, close),
    waiting,
    list,
  );
  const button = h(
    "button",
    {
      class: "button icon-button",
      type: "button",
      "aria-label": "Events",
      "aria-controls": "events",
      "aria-expanded": "false",
    },
    icon(Activity),
  );
  let seen = 0;

  const toggle = (open: boolean) => {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    list.scrollTop = list.scrollHeight;
  };
  const tell = () => {
    count.textContent = String(seen);
    waiting.hidden = seen > 0;
  };
  button.addEventListener("click", () => toggle(panel.hidden));
  close.addEventListener("click", () => {
    toggle(false);
    button.focus();
  });
  clear.addEventListener("click", () => {
    list.replaceChildren();
    seen = 0;
    tell();
  });
  return {
    panel,
    button,
    add(received) {
      const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
      seen += 1;
      tell();
      list.append(line(received));
      if (list.childElementCount > KEPT) list.firstElementChild?.remove();
      if (follows) list.scrollTop = list.scrollHeight;
    },
  };
}

function line({ id, event }: ReceivedEvent): HTMLElement {
  const kind = Object.keys(event)[0] ?? "";
  return h(
    "li",
    { "data-kind": kind },
    h("time", {}, clock.format(new Date())),
    h("span", { class: "event-id" }, id ?? "–"),
    h("code", { dir: "ltr" }, JSON.stringify(event)),
  );
}
