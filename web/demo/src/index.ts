// The studio's back office: a small application with Frontdesk's assistant in it, as a vendor would build it in.
import { onAppearance } from "./appearance";
import { makeAssistant } from "./assistant";
import { h } from "./dom";
import { makeEventsPanel } from "./events";
import { menu, PAGES } from "./pages";
import { startRouter } from "./router";
import { currentUser } from "./session";
import { markMenu, showShell } from "./shell";

const outlet = h("main", { class: "main", id: "main" });
const events = makeEventsPanel();
const router = startRouter(PAGES, outlet, currentUser.tenant.name);
const assistant = makeAssistant(router, (received) => events.add(received));

showShell(menu, { outlet, events, assistant });
router.onShown(markMenu);
onAppearance(() => void router.refresh());
addEventListener("visibilitychange", () => document.visibilityState === "visible" && void router.refresh());
