// How the page and the assistant look in this browser. The assistant changes the same things when it is asked to.
import { ACCENTS, changeAppearance, currentAppearance, THEMES, type Appearance } from "../appearance";
import { changeLanguage, currentLanguage, LANGUAGES } from "../assistant";
import { h, type Child } from "../dom";
import { spoken } from "../format";
import { card, header } from "../parts/blocks";
import type { Page } from "../router";

interface Data extends Appearance {
  readonly language: string;
}

export const settings: Page<Data> = {
  pattern: "/settings",
  title: () => "Settings",
  load: () => Promise.resolve({ ...currentAppearance(), language: currentLanguage() }),
  view: ({ theme, accent, language }) => [
    header("Settings", "Kept in this browser"),
    card(
      "Theme",
      {},
      h(
        "fieldset",
        { class: "choices" },
        h("legend", { class: "visually-hidden" }, "Theme"),
        THEMES.map((one) =>
          choice(
            "theme",
            one,
            one === theme,
            h("span", { class: `preview ${one}`, "aria-hidden": "true" }, h("i"), h("i"), h("i")),
          ),
        ),
      ),
    ),
    card(
      "Accent",
      {},
      h(
        "fieldset",
        { class: "choices swatches" },
        h("legend", { class: "visually-hidden" }, "Accent"),
        ACCENTS.map((one) =>
          choice(
            "accent",
            one,
            one === accent,
            h("span", { class: "swatch", "data-accent": one, "aria-hidden": "true" }),
          ),
        ),
      ),
    ),
    card(
      "Assistant",
      {},
      h(
        "label",
        { class: "field" },
        "Language of its buttons",
        h(
          "select",
          { id: "language", onchange: (event: Event) => changeLanguage((event.target as HTMLSelectElement).value) },
          Object.entries(LANGUAGES).map(([code, name]) =>
            h("option", { value: code, lang: code, selected: code === language }, name),
          ),
        ),
      ),
      h("p", { class: "quiet" }, "It answers in the language that it is asked in."),
    ),
  ],
};

function choice(name: "theme" | "accent", value: string, chosen: boolean, picture: Child): Child {
  return h(
    "label",
    { class: "choice" },
    h("input", {
      id: `${name}-${value}`,
      type: "radio",
      name,
      value,
      checked: chosen,
      onchange: () => changeAppearance({ [name]: value }),
    }),
    picture,
    spoken(value),
  );
}
