/** The line under the last message that the assistant reads only as a summary. It is loaded where there is one. */
import { make } from "../dom";

const WORDS: Record<string, string> = {
  en: "Above this line the assistant remembers a summary",
  de: "Oberhalb dieser Linie kennt der Assistent nur eine Zusammenfassung",
  es: "Por encima de esta línea el asistente recuerda un resumen",
  pt: "Acima desta linha o assistente lembra um resumo",
  hi: "इस रेखा के ऊपर का सहायक को केवल सारांश याद है",
  ar: "ما فوق هذا الخط يتذكّر المساعد ملخصه فقط",
};

/** Returns the line in a language of the widget's texts. */
export function summaryLine(language: string): HTMLElement {
  return make("li", { class: "day folded" }, make("span", {}, WORDS[language] ?? WORDS.en!));
}
