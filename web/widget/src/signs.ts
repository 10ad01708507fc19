/** Signs that nobody sees, made visible: what is said yes to is all there, in the order in which it stands. */

/**
 * All that controls or formats: what turns a text around, ends lines, or takes no room; line breaks and tabs left out. Joiners
 * belong to pictures and to scripts in which letters join; behind Latin ones they hide.
 */
const HIDDEN =
  /(?<![^\0-\u02ff])[\u200c\u200d]|(?![\u200c\u200d])[\p{Cf}\u2028\u2029\u034f\u115f\u1160\u3164\uffa0]|[^\P{Cc}\n\t]/gu;

/** Returns a text with the code of each sign that nobody sees in its place. */
export function withSigns(text: string): string {
  return text.replace(HIDDEN, (sign) => `‹U+${sign.codePointAt(0)!.toString(16).toUpperCase()}›`);
}
