/** The files of a message that was sent, or of an answer: pictures as such, all with name and size, saved by a click. */
import { type Files, openFiles } from "@frontdesk/client/files";
import type { FileView } from "@frontdesk/client";
import type { WidgetContext } from "../context";
import { fill, make } from "../dom";
import { asErrorView, problemText } from "../problem";
import { save } from "../saved";
import { isPicture, draw } from "./picture";
import { document, download } from "./pictures";
import { savedName, shownName, shownSize } from "./names";
import { type Words, wordsFor } from "./words";

/** Larger pictures are fetched when somebody saves them. */
const MOST_SHOWN_BYTES = 8_000_000;

/** One reader for each frame. */
const servers = new WeakMap<WidgetContext, Files>();

/** Fills an element with files, fetched from the server alone and with the user's token. */
export function showFiles(place: HTMLElement, context: WidgetContext, files: readonly FileView[]): void {
  const words = wordsFor(context.texts.language);
  const server = servers.get(context) ?? openFiles(context.options.access);
  server.close(); // who only reads has nothing to forget
  servers.set(context, server);
  fill(place, make("ul", { "aria-label": words.files }, ...files.map((file) => item(context, words, server, file))));
}

function item(context: WidgetContext, words: Words, server: Files, file: FileView): HTMLElement {
  const name = shownName(file.name);
  const size = shownSize(file.bytes, context.texts);
  const problem = make("span", { class: "failed", role: "status" });
  const get = async () => {
    try {
      save(await server.read(file.id), savedName(file.name));
      problem.textContent = "";
    } catch (error) {
      problem.textContent = `${words.unshown} ${problemText(asErrorView(error), context.texts)}`;
    }
  };
  const row = make(
    "button",
    {
      type: "button",
      class: "file",
      title: words.save,
      "aria-label": `${words.save}: ${name} ${size}`, // all that is seen on it
      onclick: () => void get(),
    },
    document(),
    make("bdi", { class: "file-name" }, name),
    " ",
    make("span", { class: "file-size" }, size),
    download(),
  );
  const element = make("li", {}, row, problem);
  if (isPicture(file.media_type) && file.bytes <= MOST_SHOWN_BYTES) {
    // Where it does not come there is its name, and a button that says why.
    void server.read(file.id).then(
      async (blob) => {
        const picture = await draw(blob, name);
        if (picture) element.prepend(picture);
      },
      () => {},
    );
  }
  return element;
}
