/** What is loaded when somebody wants the list of their conversations, or the menu of the one that is shown. */
import { adopt } from "../adopt";
import type { Frame } from "../frame";
import conversations from "../styles/conversations.css" with { type: "text" };
import menuStyles from "../styles/menu.css" with { type: "text" };
import { ConversationList } from "./list";
import { ConversationMenu } from "./menu";
import { wordsFor } from "./words";

export class Conversations {
  readonly list: ConversationList;
  readonly menu: ConversationMenu;

  /** `menuPlace` has the menu's button; what the menu asks stands in front of `notice`. */
  constructor(frame: Frame, menuPlace: HTMLElement, notice: Element) {
    const words = wordsFor(frame.texts.language);
    adopt(frame.element, conversations);
    adopt(frame.element, menuStyles);
    this.list = new ConversationList(frame, words, () => frame.show(null));
    this.menu = new ConversationMenu(frame, words, menuPlace);
    notice.before(this.menu.question);
  }

  /** Tells both which conversation is shown, and whether anything is remembered of the user. */
  update(conversationId: string | null, remembers: boolean): void {
    this.list.mark(conversationId);
    this.menu.update(conversationId, remembers);
  }
}
