/** Which language a text is in: by its letters, and of those that share the Latin ones by their small words. */

/** Scripts that name a language; the first of which a text has the most letters counts. */
const SCRIPTS: readonly [RegExp, string][] = [
  [/[\p{Script=Hiragana}\p{Script=Katakana}]/gu, "ja"],
  [/\p{Script=Hangul}/gu, "ko"],
  [/\p{Script=Han}/gu, "zh"],
  [/\p{Script=Devanagari}/gu, "hi"],
  [/\p{Script=Arabic}/gu, "ar"],
  [/\p{Script=Hebrew}/gu, "he"],
  [/\p{Script=Thai}/gu, "th"],
  [/\p{Script=Greek}/gu, "el"],
  [/\p{Script=Cyrillic}/gu, "ru"],
];
/** Words that are in every few sentences of a language, and in hardly any of another one. */
const WORDS: Readonly<Record<string, string>> = {
  en: "the of and is are was were you your this that with have has it its there not what which from they would can",
  de: "der das und ist sind nicht ein eine einen mit für auf sie ich wir im den dem auch wird wurde haben hat oder aber noch zum zur am um war es wie bei von kein keine",
  es: "el los las y es son una por del usted hay pero muy está están esta este puede como más su sus qué cuando al en de desde ser tiene",
  pt: "o os as e é são um uma por não você há mas muito está estão esta este pode como mais seu sua do da dos das ao na em de foi ser tem",
  fr: "le les et est sont une des pas vous dans pour avec il elle mais plus cette ces qui du au aux ou sur nous de en",
  it: "il gli e è sono una per non che di del della con ma più questo questa anche nel nella lo hai ha alla",
};
/** Signs that few other languages have; each counts as two words. */
const SIGNS: Readonly<Record<string, RegExp>> = { de: /[äöüß]/gi, es: /[ñ¿¡]/gi, pt: /[ãõ]/gi, fr: /[œùêèû]/gi };
const SETS = Object.entries(WORDS).map(([language, words]) => [language, new Set(words.split(" "))] as const);
/** So much of a text is looked at. */
const LOOKED_AT = 600;

/** Returns the tag of the language that a text is in, as far as that can be told; else `usual`, whose region is kept where it is of that language. */
export function languageOf(text: string, usual: string): string {
  const told = guess(text.slice(0, LOOKED_AT));
  return !told || told === usual.toLowerCase().split("-")[0] ? usual : told;
}

function guess(text: string): string | null {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  if (letters === 0) return null;
  for (const [script, language] of SCRIPTS) {
    const count = text.match(script)?.length ?? 0;
    // Japanese has letters of its own between those that it shares with Chinese.
    if (count > letters * (language === "ja" ? 0.1 : 0.3)) return language;
  }
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
  const counts = SETS.map(([language, set]) => {
    const signs = SIGNS[language] ? (text.match(SIGNS[language])?.length ?? 0) : 0;
    return [language, words.filter((word) => set.has(word)).length + 2 * signs] as const;
  });
  const [best, next] = [...counts].sort((one, other) => other[1] - one[1]);
  return best![1] >= 2 && best![1] > next![1] ? best![0] : null;
}
