/** An answer as text, where the page lets nobody turn text into HTML: what was said, with its lines, lists and addresses. */
import { make } from "../dom";

const PIECE = /<(\/?)([a-z]+\d?)([^>]*)>|&(lt|gt|amp|quot);|[^<&]+|[<&]/g;
const SIGNS: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"' };

/** Returns an element for each block of rendered Markdown; there is no HTML parser at work, so anything may be in it. */
export function asText(html: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  for (const block of html.split("</div>")) {
    const text = textOf(block);
    if (text !== "") fragment.append(make("div", {}, make("p", { class: "plain" }, text)));
  }
  return fragment;
}

function textOf(html: string): string {
  let text = "";
  /** The next number of each list that is open; 0 where it has none. */
  const lists: number[] = [];
  const links: string[] = [];
  for (const [piece, end, tag, attributes, sign] of html.matchAll(PIECE)) {
    if (sign !== undefined) text += SIGNS[sign];
    else if (tag === undefined) text += piece;
    else if (tag === "ol" || tag === "ul") end ? lists.pop() : lists.push(tag === "ul" ? 0 : numberOf(attributes));
    else if (tag === "li" && !end) text += `${"  ".repeat(Math.max(0, lists.length - 1))}${bullet(lists)}`;
    else if (tag === "a") text += end ? (links.pop() ?? "") : "";
    else if (tag === "img") text += attributeOf(attributes, "alt");
    else if ((tag === "td" || tag === "th") && end) text += " | ";
    if (tag === "a" && !end) links.push(` (${attributeOf(attributes, "href")})`);
  }
  return text
    .replace(/ \| \n/g, " | ")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

function bullet(lists: number[]): string {
  const number = lists.at(-1) ?? 0;
  if (number === 0) return "• ";
  lists[lists.length - 1] = number + 1;
  return `${number}. `;
}

function numberOf(attributes = ""): number {
  return Number(attributeOf(attributes, "start")) || 1;
}

function attributeOf(attributes = "", name: string): string {
  const value = new RegExp(`${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return value.replace(/&(lt|gt|amp|quot);/g, (_all, sign: string) => SIGNS[sign] ?? "");
}
