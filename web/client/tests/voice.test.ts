/** What is said of an answer, in which sentences and which language; and who says it, once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reading, spoken } from "../src/voice/reading";
import { breaths, sentences } from "../src/voice/sentences";
import { busyMs } from "./busy";

const SENTENCES: Record<string, string[]> = {
  en: [
    "Dr. Smith paid $3.14 to Mr. J. Brown at 10 a.m. Monday.",
    "He left.",
    "See e.g. No. 5.",
    "Use Node.JS now!",
    "Is v2.0 out?",
    "The U.S. economy grew, i.e. by 2.5 %.",
  ],
  de: [
    "Am 3. Mai kommt Hr. Müller, z. B. um 10.30 Uhr, d. h. früh.",
    "Das kostet ca. 1.234,50 Euro.",
    "Gut!",
    "Das war im Jahr 2024.",
    "Dann ging er.",
  ],
  es: [
    "El Sr. García vive en EE. UU. desde 2020.",
    "¿Cómo está Ud. hoy?",
    "¡Muy bien!",
    "Cuesta 3.50 €, p. ej. ahora.",
  ],
  pt: ["A Dra. Ana chegou às 10h.", "Custou R$ 1.234,56 na Av. Paulista.", "Tudo bem?"],
  hi: ["डॉ. शर्मा आज आएंगे।", "क्या आप तैयार हैं?", "हाँ, 3.5 किलो।"],
  ja: ["今日は晴れです。", "明日は雨でしょう！", "本当ですか？", "「はい。」と言った。"],
  zh: ["今天天气很好。", "明天会下雨吗？", "价格是3.14元。"],
  ar: ["وصل د. أحمد اليوم.", "هل أنت مستعد؟", "السعر 3.14 دولار."],
};
const SPACELESS = ["ja", "zh"];

for (const [language, wanted] of Object.entries(SENTENCES)) {
  test(`sentences are those of ${language}, and grow without changing`, () => {
    const text = wanted.join(SPACELESS.includes(language) ? "" : " ");
    assert.deepEqual(sentences(text, language), wanted);
    for (let end = 1; end <= text.length; end++) {
      const finished = sentences(text.slice(0, end), language).slice(0, -1);
      assert.deepEqual(finished, wanted.slice(0, finished.length), text.slice(0, end));
    }
  });
}

test("the voice is that of the language, where that can be told", () => {
  const told = {
    de: "Die Rechnung ist noch nicht bezahlt. Danke.",
    es: "¿Dónde está la factura?",
    pt: "A fatura não foi paga, mas está na lista.",
    fr: "La facture est dans la liste, et elle est payée.",
    it: "La fattura non è stata pagata, ma è nella lista.",
    en: "The invoice is not paid. Thanks.",
    ...{
      hi: "चालान का भुगतान नहीं हुआ है।",
      ja: "請求書は未払いです。",
      zh: "发票尚未支付。",
      ar: "لم تُدفع الفاتورة بعد.",
    },
    ...{
      ko: "송장이 지불되지 않았습니다.",
      ru: "Счёт не оплачен.",
      el: "Το τιμολόγιο δεν πληρώθηκε.",
      he: "החשבונית לא שולמה.",
    },
  };
  for (const [language, text] of Object.entries(told)) {
    const usual = language === "en" ? "de" : "en";
    assert.deepEqual([...new Set(spoken(text, usual).map((one) => one.language))], [language], text);
  }
  const languages = (text: string, usual: string) => spoken(text, usual).map((one) => one.language);
  assert.deepEqual(languages("OK. 42 EUR.", "de-AT"), ["de-AT", "de-AT"]);
  assert.deepEqual(languages("Das ist für die Kunden.", "de-AT"), ["de-AT"]);
});

const ANSWER = `# Your **orders** 🎉

You have *3* open orders 🙂, see [the list](https://shop.example/orders?a=1). The total is **1.5** EUR! Look at https://www.example.com/path/x.html?y=1. Now
it goes on in the next line, with \`snake_case_names\` and 2 * 3 * 4.

| No | Total |
|----|------:|
| 1. A | 2. B |

- First: \`npm install\`
- [x] Second 👍🏽
1. One
2. Two. And more.

~~~~python
print("x. Y.")
\`\`\`
~~~~
Name | Price
---|---
A | 1

> Das ist nicht der Preis, und sie ist für den Kunden. Gut.

$$
x = 1. y = 2.
$$

***

![A cat](x.png) <b>Done</b>[^1]. \\*Not bold\\*, [1] and [a](b "c").

[1]: https://example.com/notes
`;
const SAID = [
  "Your orders",
  "You have 3 open orders, see the list.",
  "The total is 1.5 EUR!",
  "Look at example.com.",
  "Now it goes on in the next line, with snake_case_names and 2 * 3 * 4.",
  "Here is a table of No, Total.",
  "First: npm install",
  "Second",
  "1. One",
  "2. Two.",
  "And more.",
  "Here is code, which you can read in the text.",
  "Here is a table of Name, Price.",
  "Das ist nicht der Preis, und sie ist für den Kunden.",
  "Gut.",
  "Here is a formula.",
  "Picture: A cat.",
  "Done.",
  "Not bold, and a.",
];

test("code is not read out, a table is said to be one, and marks, addresses and emoji are not spelled", () => {
  const said = spoken(ANSWER, "en");
  assert.deepEqual(
    said.map(({ text }) => text),
    SAID,
  );
  assert.deepEqual(
    said.filter(({ language }) => language === "de").map(({ text }) => text),
    ["Das ist nicht der Preis, und sie ist für den Kunden.", "Gut."],
  );
});

test("wherever an answer is cut while it comes, the same is said, once and in order", () => {
  const inPieces = (size: number) => {
    const reading = new Reading("en");
    const got: string[] = [];
    for (let end = size; end < ANSWER.length; end += size)
      got.push(...reading.read(ANSWER.slice(0, end), false).map(({ text }) => text));
    got.push(...reading.read(ANSWER, true).map(({ text }) => text));
    assert.deepEqual(reading.read(ANSWER, true), []);
    return got;
  };
  for (const size of [1, 2, 3, 7, 50]) assert.deepEqual(inPieces(size), SAID, `in pieces of ${size}`);
});

const ODD: Record<string, string[]> = {
  "See https://a.example/b_c?x=1&y=2#z, <https://b.example/q> or **https://c.example/d_e**, _https://d.example/f_.": [
    "See a.example, b.example or c.example, d.example.",
  ],
  'Read [the page](https://a.example/b_(c)) and [that](https://a.example "of (c)") first.': [
    "Read the page and that first.",
  ],
  "Tom &amp; Jerry cost &lt; 5. R&D is &quot;it&quot;.": ["Tom & Jerry cost < 5.", 'R&D is "it".'],
  "It costs $10. (about 9 euros) Next one. Then \\(a+b\\) and $$c$$ done.": [
    "It costs $10. (about 9 euros) Next one.",
    "Then (a+b) and Here is a formula. done.",
  ],
};

test("odd addresses are heard by their host, and no sentence is lost that goes on behind its full stop", () => {
  for (const [text, wanted] of Object.entries(ODD)) {
    const reading = new Reading("en");
    const got: string[] = [];
    for (let end = 1; end <= text.length; end++)
      got.push(...reading.read(text.slice(0, end), end === text.length).map((one) => one.text));
    assert.deepEqual(got, wanted);
    assert.deepEqual(
      spoken(text, "en").map((one) => one.text),
      wanted,
    );
  }
});

test("a sentence is said as soon as the next one begins", () => {
  const reading = new Reading("en");
  assert.deepEqual(reading.read("Hello there. ", false), []);
  assert.deepEqual(
    reading.read("Hello there. W", false).map(({ text }) => text),
    ["Hello there."],
  );
  assert.deepEqual(reading.read("Hello there. We [cannot. Know", false), []);
});

test("what is long is said in breaths, and a long answer takes no time", async () => {
  const long = `${"word, ".repeat(200)}end.`;
  const parts = breaths(long);
  assert.ok(parts.every((part) => part.length <= 280 && part.length > 0));
  assert.equal(parts.join(" "), long);
  assert.equal(breaths("語".repeat(1000)).join(""), "語".repeat(1000));
  const text = "This is a sentence of an answer. ".repeat(600) + "\n\n" + "[(<`*|#$\\".repeat(2000);
  const took = await busyMs(() => {
    const reading = new Reading("en");
    for (let end = 0; end < text.length; end += 400) reading.read(text.slice(0, end), false);
    reading.read(text, true);
  });
  assert.ok(took < 4000, `${took} ms`);
});
