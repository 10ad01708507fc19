/** A text in sentences, as people say them: neither an abbreviation nor a number ends one. */

/** Of these no full stop ends a sentence, where more follows; in any language, for answers quote each other's. */
const ABBREVIATIONS = new Set(
  [
    // English
    "mr mrs ms dr prof sr jr st vs etc approx dept est fig inc ltd co corp no vol pp ed eds cf ca e.g i.e a.m p.m",
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun",
    // German
    "hr fr nr abs art bspw bzw ca d.h dipl ing evtl ggf geb gem inkl exkl lt max min mind mio mrd o.ä o.g s.o s.u sog std str tel u.a usw",
    "v.a vgl z.b z.t z.hd zzgl st sankt mo di mi do sa so jän febr",
    // Spanish
    "sra srta dra ud uds pág págs núm núms tel av avda ee uu ee.uu p.ej aprox depto dto izq ctra admón gral lic",
    // Portuguese
    "sr exmo exma eng profa pág séc tel obs av al ltda cia aprox v.exa q.b",
    // French, Italian
    "mme mlle sig dott avv ecc pag",
    // Hindi, Arabic
    "डॉ श्री प्रो रु कु सु द أ م ص ت ه",
  ]
    .join(" ")
    .split(" "),
);
/** A number behind these has its full stop in front of it: `No. 5`. Elsewhere `no.` is a word that ends a sentence. */
const BEFORE_NUMBERS = new Set([
  "no",
  "nr",
  "art",
  "abs",
  "fig",
  "vol",
  "pp",
  "núm",
  "min",
  "max",
  "so",
  "do",
  "mi",
  "sun",
  "sat",
  "mar",
  "co",
  "al",
  "ed",
]);
/** `am 3. Mai`: there a number of a day ends nothing. */
const ORDINAL = ["de", "da", "nb", "no", "fi", "cs", "sk", "pl", "hu", "hr", "sl", "et", "lv", "tr"];
/** Browsers fall silent in the middle of what is longer. */
const MOST_CHARACTERS = 280;

const segmenters = new Map<string, Intl.Segmenter>();

function segmenterOf(language: string): Intl.Segmenter {
  let made = segmenters.get(language);
  if (!made) {
    try {
      made = new Intl.Segmenter(language, { granularity: "sentence" });
    } catch {
      made = new Intl.Segmenter("en", { granularity: "sentence" }); // no tag
    }
    segmenters.set(language, made);
  }
  return made;
}

/**
 * Returns the sentences of a text, without space around them. Of a text that grows, all but the last stay as they are. A browser
 * without `Intl.Segmenter` has lines for sentences.
 */
export function sentences(text: string, language = "en"): string[] {
  if (!globalThis.Intl?.Segmenter)
    return text
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  const found: string[] = [];
  let open = "";
  for (const { segment } of segmenterOf(language).segment(text)) {
    // A bracket that opens belongs to what follows.
    const opens = /[「『（《〈【]+$/u.exec(open)?.[0] ?? "";
    if (opens) {
      found.push(open.slice(0, -opens.length));
      open = opens + segment;
    } else if (open && goesOn(open, segment, language)) open += segment;
    else {
      found.push(open);
      open = segment;
    }
  }
  return [...found, open].map((one) => one.trim()).filter(Boolean);
}

/** Whether what was taken for the end of a sentence is none. */
function goesOn(before: string, after: string, language: string): boolean {
  if (/\n\s*$/.test(before)) return false;
  if (/[。！？][」』]$/u.test(before) && /^[と、っの]/u.test(after)) return true; // what is said goes on behind the quotation
  const stopped = /(\S*)\.(["'”’)\]»]*)(\s*)$/u.exec(before);
  if (!stopped) return false;
  const [, raw = "", closed, space] = stopped;
  if (space === "") return true; // `example.Com`
  if (closed) return false;
  const word = raw.replace(/^["'“‘(\[«¿¡]+/u, "").toLowerCase();
  const isFirst = before.trim() === `${raw}.`;
  if (/^\p{L}$/u.test(word) && !/^[iyoeaàéóíú]$/u.test(word)) return true; // an initial, or a letter of `z. B.`
  if (/^\d{1,3}$/.test(word) && (isFirst || (word.length < 3 && ORDINAL.includes(language.split("-")[0]!))))
    return true;
  if (!ABBREVIATIONS.has(word)) return /^\p{L}(\.\p{L})+$/u.test(word); // `U.S.`
  return !BEFORE_NUMBERS.has(word) || /^\s*\d/.test(after);
}

/** Returns a sentence in pieces that can be said in one go: cut where one breathes. */
export function breaths(sentence: string, most = MOST_CHARACTERS): string[] {
  const pieces: string[] = [];
  let rest = sentence;
  while (rest.length > most) {
    const window = rest.slice(0, most);
    const at = Math.max(
      ...[/[,;:–—、，；：،؛](?=\s|[^\x00-\x7f])[^,;:–—、，；：،؛]*$/u, /\s\S*$/u].map((one) => window.search(one)),
    );
    const end = at > most / 4 ? at + 1 : /[\ud800-\udbff]$/.test(window) ? most - 1 : most;
    pieces.push(rest.slice(0, end).trim());
    rest = rest.slice(end).trim();
  }
  return [...pieces, rest].filter(Boolean);
}
