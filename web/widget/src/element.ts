/** `<frontdesk-chat>`: the attributes, properties and events of the widget. */
import type { ActionHandlers, ActionView, Assistant, Chat, ChatOptions, Client, PageTools } from "@frontdesk/client";
import { createClient } from "@frontdesk/client";
import { paced } from "@frontdesk/client/paced";
import { setAccent } from "./accent";
import { newSheet } from "./adopt";
import { loadApprovals } from "./approval";
import type { Access } from "./context";
import { drawEach } from "./guard";
import { parseHosts, parsePaths } from "./markdown/addresses";
import { type DrawFormula, withFormulas } from "./markdown/formulas";
import { createSanitiser } from "./markdown/sanitise";
import { keepInside } from "./keys";
import { Memory, takePlace } from "./memory";
import { type Layout, Panel } from "./panel";
import { addUnits, sharedSheets } from "./sheets";
import { Frame } from "./frame";
import { type Texts, textsFor } from "./texts";
import { keepVisible } from "./visible";

const THEMES = ["light", "dark", "system"];
/** What a page may have set before this class was there, and would now hide the accessors. */
const ACCESSORS = ["user", "token", "tools", "branchId", "assistant"] as const;
/** How often a token that is at hand is looked at, for whose it is. */
const LOOK_MS = 1000;
const nameOf = (user: string | undefined, owner: string) => JSON.stringify([user ?? "", owner]);
const NOBODY = nameOf("", "");

export class FrontdeskChat extends HTMLElement {
  static observedAttributes = [
    "url",
    "name",
    "user",
    "lang",
    "mode",
    "layout",
    "accent",
    "open",
    "locale",
    "time-zone",
    "compare",
  ];

  #root: ShadowRoot;
  #accent!: CSSStyleSheet;
  #token: (() => string | Promise<string>) | null = null;
  /** Who the page says is there: undefined where it says nothing, null for nobody. */
  #user: string | null | undefined;
  /** Whom all that is shown belongs to; null until it is known. */
  #owner: string | null = null;
  /** Whether there was ever anybody: after them nobody is greeted. */
  #hadUser = false;
  #isSignedOut = false;
  /** The token that was looked at last; null where looking means waiting. */
  #looked: string | null = "";
  #timer = 0;
  #tools: PageTools = {};
  /** Read by the client at each message. */
  #options: ChatOptions = { context: () => this.context?.(), clientTools: () => this.clientTools?.() };
  #access: Access = { url: "" };
  #client: Client | null = null;
  #chat: Chat | null = null;
  #assistant: Assistant | null = null;
  #memory = new Memory("");
  #frame: Frame | null = null;
  #panel: Panel | null = null;
  #ended = new AbortController();
  /** The page's language may change while it is there. */
  #language = new MutationObserver(() => this.#texts() !== this.#frame?.texts && this.#rebuild());
  #drawing = 0;
  #unread = false;
  /** The answer that was seen last, as far as it was there. */
  #seen: string | null = null;
  /** The theme that the page chose, before an action chose another one for a user. */
  #ownTheme: string | null | undefined;

  // Declared only: a field would begin anew where the page has set it before this class was there.
  /** Does actions by type, unless a listener of `frontdesk-action` prevented it. */
  declare actions?: ActionHandlers;
  /** About the page, asked at each message; the model gets it as data. */
  declare context?: () => Record<string, unknown>;
  /** Describes page-side tools, asked at each message; the assistant's file says which ones it may. */
  declare clientTools?: ChatOptions["clientTools"];
  /** Draws formulas, as `katex.render` does; without it their source is shown. */
  declare drawFormula?: DrawFormula | null;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: "open" });
    this.#root.addEventListener("focusin", this.#onFocus);
    keepInside(this.#root);
    this.#dress();
  }

  /** Returns the user's bearer token; may be async. */
  get token(): (() => string | Promise<string>) | null {
    return this.#token;
  }

  set token(given: (() => string | Promise<string>) | null | undefined) {
    // Asks whose it is: a page may have set it because there is somebody else.
    const token = given ?? null;
    if (token !== null && typeof token !== "function")
      throw new TypeError("`token` of <frontdesk-chat> is a function: () => session.token");
    const isGone = this.#token !== null && token === null;
    this.#token = token;
    this.#looked = "";
    this.#isSignedOut = false;
    if (isGone) this.#leave();
    void this.#meet();
  }

  /**
   * Names who is signed in; without it the token's subject and tenant do. With another one, or with null, all that was the
   * last one's is gone at once.
   */
  get user(): string | null | undefined {
    return this.#user;
  }

  set user(user: string | number | null | undefined) {
    // All objects have one name, and would be one user.
    if (!isName(user)) throw new TypeError("`user` of <frontdesk-chat> is a name: session.userId");
    const named = user === undefined ? user : user === null || user === "" ? null : String(user);
    if (named === this.#user) return;
    // A page that says who is there a moment after it has set the token does not mean another one.
    const isFirst = this.#user === undefined && this.#owner === null;
    this.#user = named;
    this.#isSignedOut = false;
    if (!isFirst) this.#leave();
    void this.#meet();
  }

  /** Forgets the user at once: what is shown, kept, under way or still to be done. Begins anew when somebody is there. */
  signOut(): void {
    this.#isSignedOut = true;
    this.#leave();
  }

  /** Page-side tools by name: what one returns is its result. */
  get tools(): PageTools {
    return this.#tools;
  }

  set tools(tools: PageTools) {
    this.#tools = tools;
    if (this.#chat !== null) this.#chat.tools = tools;
  }

  /** Handed to the backend with every tool call. */
  get branchId(): number | string | undefined {
    return this.#options.branchId;
  }

  set branchId(branchId: number | string | undefined) {
    if (!isName(branchId)) throw new TypeError("`branchId` of <frontdesk-chat> is a number or a string");
    this.#options.branchId = branchId;
  }

  /** The one that answers, where there are several: sent with the next message. */
  get assistant(): string | undefined {
    return this.#options.assistant;
  }

  set assistant(assistant: string | undefined) {
    this.#options.assistant = assistant;
    if (this.#owner !== null) this.#describe(this.#owner);
  }

  get open(): boolean {
    return this.hasAttribute("open");
  }

  set open(open: boolean) {
    this.toggleAttribute("open", open);
  }

  /** The conversation as a store, for pages that want to look or to write in it; null outside a page. */
  get chat(): Chat | null {
    return this.#chat;
  }

  connectedCallback(): void {
    for (const name of ACCESSORS) this.#takeEarly(name);
    if (this.#chat !== null) return this.#panel?.place(); // it was moved, and has left the top layer
    this.#start();
  }

  /** Moved into another document: a frame's, or a window of its own. Style sheets do not come along. */
  adoptedCallback(): void {
    if (this.ownerDocument.defaultView === null) return;
    this.#dress();
    this.#rebuild();
  }

  disconnectedCallback(): void {
    // Moved within the page it comes back at once.
    queueMicrotask(() => this.isConnected || this.#stop());
  }

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (before === value) return;
    if (name === "user") this.user = value;
    if (name === "accent") setAccent(this.#accent, value);
    if (name === "locale") this.#options.locale = value ?? undefined;
    if (name === "time-zone") this.#options.timeZone = value ?? undefined;
    if (this.#chat === null) return;
    if (name === "url" || name === "name") {
      this.#stop();
      this.#start();
    }
    if (/^(lang|mode|compare)$/.test(name)) this.#rebuild();
    if (name === "layout") this.#panel?.arrange();
    if (name === "open") {
      this.#memory.isOpen = this.open;
      this.#showPanel({ focus: true });
      if (this.open) void this.#meet({ asked: true });
    }
  }

  /** Somebody comes to the widget. */
  #onFocus = () => void this.#meet({ asked: true });

  #dress(): void {
    this.#accent = newSheet(this.ownerDocument);
    this.#root.adoptedStyleSheets = [...sharedSheets(this.ownerDocument), this.#accent];
    setAccent(this.#accent, this.getAttribute("accent"));
  }

  #takeEarly(name: (typeof ACCESSORS)[number]): void {
    if (!Object.hasOwn(this, name)) return;
    const own = this as unknown as Record<string, unknown>;
    const value = own[name];
    delete own[name];
    try {
      own[name] = value;
    } catch (error) {
      reportError(error); // the page hears of it, and the others are taken all the same
    }
  }

  #start(): void {
    const url = this.getAttribute("url") ?? "";
    this.#memory = new Memory(takePlace(this, url, this.getAttribute("name") || this.id));
    this.#access = { url, token: () => (this.#user === null ? "" : this.#bearer()) };
    const client = createClient({
      ...this.#access,
      onUserChange: () => {
        if (client !== this.#client) return; // of another url, or from before the element was away
        this.#forget();
        void this.#meet();
      },
    });
    this.#client = client;
    this.#chat = paced(this.#client.chat(this.#options));
    this.#chat.tools = this.#tools;
    let told: unknown;
    this.#chat.subscribe((view) => {
      const { error } = view;
      // Users are told to sign in; why the server refuses the token is for who writes the page.
      if (error?.code === "unauthorized" && told !== error) console.warn(`<frontdesk-chat> 401: ${error.message}`);
      told = error;
      this.#memory.set("conversation", view.conversationId);
      this.#notice();
      this.#draw();
    });
    this.#chat.onAction((action) => this.#act(action));
    this.#chat.onEvent((detail) => this.dispatchEvent(new CustomEvent("frontdesk-event", { detail })));
    // What the user did in this tab counts more than what the page's markup begins with.
    if (this.#memory.isOpen !== null) this.open = this.#memory.isOpen;
    this.#build();
    this.#language.observe(document.documentElement, { attributeFilter: ["lang"] });
    // The client looks when the page is shown again. In between somebody else may sit down as well.
    this.#timer = window.setInterval(() => this.#look(), LOOK_MS);
    void this.#meet();
  }

  /** Returns the page's token; who writes the page is told where there is none. */
  #bearer(): string | Promise<string> {
    if (!this.#token) console.warn("<frontdesk-chat> 401: its `token` is not set");
    return this.#token?.() ?? "";
  }

  /** Asks for the token where the page has it at hand; one that must be waited for is left alone. */
  #look(): void {
    if (this.#looked === null || this.#token === null || document.hidden) return;
    let token: unknown;
    try {
      token = this.#token() ?? "";
    } catch {
      return;
    }
    if (typeof token !== "string") {
      this.#looked = null;
      void Promise.resolve(token).catch(() => {});
    } else if (token !== this.#looked) {
      const isFirst = this.#looked === "";
      this.#looked = token;
      if (!isFirst) void this.#meet({ asked: true });
    }
  }

  /** Finds out who is there, and begins with them. Without a token, and after a sign-out until `asked`, there is nobody. */
  async #meet({ asked = false } = {}): Promise<void> {
    const client = this.#client;
    // Somebody is at work with it.
    if (asked) this.#isSignedOut = false;
    if (client === null || this.#token === null || this.#user === null || this.#isSignedOut) return;
    // Whoever it was before has left by then, and the client does not answer for them any more.
    const owner = await client.user().catch(() => null);
    if (owner === null || client !== this.#client || this.#isSignedOut) return;
    if (owner === "" && this.#hadUser) return;
    const named = nameOf(this.#user, owner);
    if (named !== this.#owner) this.#begin(named);
  }

  /** Asks what to show first, and goes on with what this user saw last in this tab. */
  #begin(owner: string): void {
    const { view } = this.#chat!;
    this.#hadUser ||= owner !== NOBODY;
    this.#owner = owner;
    this.#memory.admit(owner);
    this.#frame?.restore();
    this.#describe(owner);
    const conversationId = this.#memory.get("conversation");
    // What was said yes to for good counts as long as its page does.
    if (this.#memory.get("always")) void loadApprovals().then((made) => made?.forgetAlways(this.#access, this.#memory));
    if (view.conversationId) this.#memory.set("conversation", view.conversationId);
    else if (conversationId !== null && view.messages.length === 0) void this.#reopen(conversationId);
  }

  /** Asks for what is shown before the first message. */
  #describe(owner: string): void {
    const wanted = this.assistant;
    this.#client?.assistant(wanted).then(
      (assistant) => {
        if (owner !== this.#owner || wanted !== this.assistant) return;
        this.#assistant = assistant;
        this.#draw();
      },
      () => {}, // Without a greeting one can still ask, and is told then what is wrong.
    );
  }

  async #reopen(conversationId: string): Promise<void> {
    const chat = this.#chat;
    const owner = this.#owner;
    await chat?.open(conversationId);
    // Deleted elsewhere, or somebody else's: not worth a word.
    if (owner === this.#owner && chat?.view.error?.code === "not_found") chat.startNew();
  }

  #leave(): void {
    this.#client?.signOut();
    this.#forget();
  }

  /** Shows an empty widget: all of it is built anew. What this tab kept of the user is gone. */
  #forget(): void {
    this.#owner = this.#assistant = this.#seen = null;
    this.#unread = false;
    this.#memory.leave();
    if (this.#ownTheme !== undefined) {
      if (this.#ownTheme === null) this.removeAttribute("theme");
      else this.setAttribute("theme", this.#ownTheme);
      this.#ownTheme = undefined;
    }
    this.#build();
  }

  #stop(): void {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    clearInterval(this.#timer);
    this.#language.disconnect();
    this.#chat?.close();
    this.#client?.close();
    this.#chat = this.#client = this.#assistant = this.#seen = this.#owner = null;
    this.#looked = "";
    this.#hadUser = this.#unread = false;
    this.#clear();
  }

  #clear(): void {
    this.#frame?.close();
    this.#ended.abort();
    this.#panel?.close();
    this.#frame = this.#panel = null;
    this.#root.replaceChildren();
  }

  #build(): void {
    if (this.#chat === null || this.#client === null) return;
    this.#clear();
    const texts = this.#texts();
    const isPanel = !["inline", "page"].includes(this.getAttribute("mode") ?? "");
    const sanitise = createSanitiser(() => this.#addressRules());
    this.#frame = new Frame({
      texts,
      client: this.#client,
      chat: this.#chat,
      sanitise: (html) => withFormulas(sanitise(html), this.drawFormula),
      memory: this.#memory,
      access: this.#access,
      compares: this.hasAttribute("compare") && this.#options,
      close: isPanel ? () => (this.open = false) : null,
    });
    if (isPanel) {
      const layout = () => (this.getAttribute("layout") ?? "auto") as Layout;
      this.#panel = new Panel(this.#frame, texts, layout, (open) => (this.open = open));
      this.#root.append(this.#panel.element);
      this.#panel.place();
    } else {
      this.#frame.element.role = "region";
      this.#frame.element.ariaLabel = texts.assistant;
      this.#root.append(this.#frame.element);
      this.#ended = new AbortController();
      keepVisible(this.#frame.element, this, this.#ended.signal);
    }
    addUnits(this, this.#panel?.element ?? this.#frame.element, this.#frame.element);
    this.#drawNow();
    this.#showPanel({ focus: false });
  }

  /** Builds it anew for the same user, who goes on where they were. */
  #rebuild(): void {
    const before = this.#frame;
    this.#build();
    this.#frame?.takeOver(before);
  }

  #texts(): Texts {
    return textsFor(languageAround(this) || String(navigator.language));
  }

  #addressRules() {
    return {
      page: new URL(document.baseURI),
      linkHosts: parseHosts(this.getAttribute("link-hosts")),
      linkPaths: parsePaths(this.getAttribute("link-paths")),
      imageHosts: parseHosts(this.getAttribute("image-hosts")),
    };
  }

  #showPanel(how: { focus: boolean }): void {
    if (this.#panel === null) return;
    this.#panel.show(this.open, how);
    this.#drawNow();
  }

  /** Draws with the next frame, however much comes until then. */
  #draw(): void {
    this.#drawing ||= requestAnimationFrame(() => this.#drawNow());
  }

  #drawNow(): void {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    const view = this.#chat?.view;
    if (view === undefined) return;
    if (this.open) this.#unread = false;
    drawEach(
      () => this.#frame?.update(view, this.#assistant),
      () => this.#panel?.update(this.#unread),
    );
  }

  /** An answer that ends while the panel is closed is unread until it is opened. What was loaded, or stood in the page, was read. */
  #notice(): void {
    const view = this.#chat?.view;
    const last = view?.messages.at(-1);
    if (view === undefined || view.phase === "loading") this.#seen = null;
    else if (view.phase !== "idle" && view.phase !== "awaiting_input") this.#seen ??= "";
    else if (last?.role === "assistant") this.#see(`${last.id} ${last.status}`);
  }

  #see(answer: string): void {
    if (this.#panel && !this.open && this.#seen !== null && this.#seen !== answer) this.#unread = true;
    this.#seen = answer;
  }

  /** Returns what the page makes of an action; only a handler knows, and who prevents the event says that it is done. */
  #act(action: ActionView): unknown {
    const event = new CustomEvent("frontdesk-action", {
      detail: action,
      bubbles: true,
      composed: true,
      cancelable: true,
    });
    if (!this.dispatchEvent(event)) return;
    const actions = this.actions ?? {};
    if (Object.hasOwn(actions, action.type)) return actions[action.type]!(action.value, action);
    if (action.type !== "change_theme" || !THEMES.includes(action.value)) return "sent";
    if (this.#ownTheme === undefined) this.#ownTheme = this.getAttribute("theme");
    this.setAttribute("theme", action.value);
  }
}

/** Returns the language of what stands around an element, also around the trees of a page's own components; "" where none is named. */
function languageAround(element: Element): string {
  const { host } = element.getRootNode() as ShadowRoot;
  return element.closest("[lang]")?.getAttribute("lang") || (host ? languageAround(host) : "");
}

function isName(value: unknown): boolean {
  return /string|number/.test(typeof (value ?? ""));
}
