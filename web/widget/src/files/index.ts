/** What is loaded with the first file: where files may be sent, or where a message has some. */
import type { AcceptedFiles, FileView } from "@frontdesk/client";
import { adopt } from "../adopt";
import type { WidgetContext } from "../context";
import type { Frame } from "../frame";
import css from "../styles/files.css" with { type: "text" };
import { showFiles } from "./shown";
import { Tray } from "./tray";
import { wordsFor } from "./words";

/** Lets the users of a frame send files with their messages, if it is still there. */
export function accept(frame: Frame, accepted: AcceptedFiles): void {
  if (!frame.element.isConnected || frame.files) return;
  const words = wordsFor(frame.texts.language);
  const form = frame.element.querySelector(".composer form")!;
  const area = form.querySelector("textarea")!;
  const tray = new Tray(frame, words, accepted, () => !area.value.trim());
  adopt(frame.element, css);
  form.prepend(tray.element);
  form.querySelector(".row")!.prepend(tray.button);
  area.addEventListener("input", () => tray.hint());
  frame.files = tray;
  listen(frame.element, tray, words.drop);
  const { conversationId, phase } = frame.chat.view;
  tray.update(conversationId, phase === "loading");
}

/** Takes what is pasted or dropped anywhere in the frame. */
function listen(element: HTMLElement, tray: Tray, text: string): void {
  const filesOf = (data: DataTransfer | null) => Array.from(data?.files ?? []);
  element.addEventListener(
    "paste",
    (event) => {
      const files = filesOf(event.clipboardData);
      // What was copied of a table or a text has a picture beside it, which nobody wants.
      if (files.length === 0 || event.clipboardData!.types.includes("text/plain")) return;
      event.preventDefault();
      tray.add(files);
    },
    { capture: true },
  );
  const over = (isOver: boolean) => {
    if (isOver) element.dataset.drop = text;
    else delete element.dataset.drop;
  };
  element.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    over(true);
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget as Node | null)) over(false);
  });
  element.addEventListener("drop", (event) => {
    over(false);
    const files = filesOf(event.dataTransfer);
    if (files.length === 0) return;
    event.preventDefault();
    tray.add(files);
  });
}

/** Shows the files of a message in a place of it. */
export function show(place: HTMLElement, context: WidgetContext, files: readonly FileView[]): void {
  adopt(place, css);
  showFiles(place, context, files);
}
