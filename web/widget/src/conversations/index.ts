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
  constructor(frame: Frame, menuPlace: HTMLElement, notice: Element, closeList: () => void) {
    const words = wordsFor(frame.texts.language);
    adopt(frame.element, conversations);
    adopt(frame.element, menuStyles);
    this.list = new ConversationList(frame, words, closeList);
    this.menu = new ConversationMenu(frame, words, menuPlace, frame.transcript.element);
    notice.before(this.menu.question);
    this.update(frame.chat.view.conversationId);
  }

  /** Tells both which conversation is shown. */
  update(conversationId: string | null): void {
    this.list.mark(conversationId);
    this.menu.update(conversationId);
  }
}
