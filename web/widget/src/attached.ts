/** The files of a message. What shows them is loaded with the first one; without it there are their names. */
import type { FileView, MessageView } from "@frontdesk/client";
import { label } from "./bounds";
import type { WidgetContext } from "./context";
import { fill, make } from "./dom";
import type * as Files from "./files";
import { load } from "./load";
import { withSigns } from "./signs";

declare const FILES_FILE: string;

export const loadFiles = () => load<typeof Files>(FILES_FILE);

export class Attached {
  readonly element = make("div", { class: "files", hidden: true });
  #context: WidgetContext;
  #shown = "";

  constructor(context: WidgetContext) {
    this.#context = context;
  }

  update({ files }: MessageView): void {
    const ids = files.map(({ id }) => id).join();
    if (ids === this.#shown) return;
    this.#shown = ids;
    this.element.hidden = !ids;
    void this.#show(files, ids);
  }

  async #show(files: readonly FileView[], ids: string): Promise<void> {
    const made = await loadFiles();
    if (ids !== this.#shown) return;
    if (made) made.show(this.element, this.#context, files);
    else fill(this.element, ...files.map(({ name }) => make("p", { dir: "auto" }, label(withSigns(name)))));
  }
}
