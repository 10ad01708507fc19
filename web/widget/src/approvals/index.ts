/** What is loaded when something asks for a yes for the first time. */
import type { Frame } from "../frame";
import { Inbox } from "./inbox";

export { forgetAlways } from "./always";
export { Card } from "./card";
export type { Inbox };

/** Shows, behind an element, what others ask the user of a frame for; nothing where the frame is gone. */
export function show(frame: Frame, place: Element): Inbox | null {
  const inbox = frame.element.isConnected ? new Inbox(frame) : null;
  if (inbox) place.after(inbox.element);
  return inbox;
}
