/**
 * What is drawn of a text: all of it, unless that would cost the page seconds. Whatever is left out leaves a `…` behind.
 *
 * The limits are far from what people write. Marks pile up eight high in no script; the rest is cheap to draw in any amount
 * that a message can have.
 */

/** Longer texts are cut. Answers have a way of their own, which draws them piece by piece. */
const MOST_CHARACTERS = 50_000;
/** Of a title, a name, or what stands on a button. */
const MOST_ON_LABEL = 500;
/** Combining marks, and invisible signs that join what stands around them, where there are more than eight in a row. */
const PILE = /([\p{M}\p{Cf}]{8})[\p{M}\p{Cf}]+/gu;
/** A word without end: each line that it is broken into is looked for in all the rest of it. Plain letters are cheap. */
const ENDLESS = /[^\s!-~]{2000}(?=\S)/gu;
/** The same where letters join, so that they are also shaped anew for each line: no language has such a word. */
const JOINED = /([\u0590-\u08ff]{300})[\u0590-\u08ff]+/g;

/** Returns the text without what is too high: a browser's time for a pile of marks grows with its square. */
export function thinned(text: string): string {
  return text.length > 8 ? text.replace(PILE, "$1…") : text;
}

/** Returns what to draw of a text that is no Markdown; it says how many characters it leaves out at the end. */
export function bounded(text: string, most = MOST_CHARACTERS): string {
  if (text.length <= most) return broken(thinned(text));
  const end = isWithinPair(text, most) ? most - 1 : most;
  return `${broken(thinned(text.slice(0, end)))}… (+${text.length - end})`;
}

/** Lets an endless word break here and there, by a sign that nobody sees, or ends it. */
function broken(text: string): string {
  return text.length > 300 ? text.replace(JOINED, "$1…").replace(ENDLESS, "$&\u200b") : text;
}

/** Whether nobody can see anything of a text: blanks, joiners, fillers. */
export function isBlank(text: string): boolean {
  return !/[^\s\p{Cc}\p{Cf}\u034f\u115f\u1160\u2800\u3164\ufe0e\ufe0f\uffa0]/u.test(text);
}

/** Returns what to draw of a text that should be short. */
export function label(text: string): string {
  return bounded(text, MOST_ON_LABEL);
}

/** Whether cutting there would tear a character in two. */
export function isWithinPair(text: string, at: number): boolean {
  return /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(at - 1, at + 1));
}
