/** What the lanes say beside the widget's own texts, which are loaded with them. */
export interface Words {
  /** On the button that lets the next message go to several models. */
  compare: string;
  models: string;
  /** Of all that stands beside each other. */
  lanes: string;
  use: string;
  used: (model: string) => string;
}

const ALL: Record<string, Words> = {
  en: {
    compare: "Compare models",
    models: "Models to ask",
    lanes: "Answers side by side",
    use: "Use this answer",
    used: (model) => `Going on with the answer of ${model}.`,
  },
  de: {
    compare: "Modelle vergleichen",
    models: "Gefragte Modelle",
    lanes: "Antworten nebeneinander",
    use: "Diese Antwort verwenden",
    used: (model) => `Weiter mit der Antwort von ${model}.`,
  },
  es: {
    compare: "Comparar modelos",
    models: "Modelos a consultar",
    lanes: "Respuestas una junto a otra",
    use: "Usar esta respuesta",
    used: (model) => `Se continúa con la respuesta de ${model}.`,
  },
  pt: {
    compare: "Comparar modelos",
    models: "Modelos a consultar",
    lanes: "Respostas lado a lado",
    use: "Usar esta resposta",
    used: (model) => `Continua com a resposta de ${model}.`,
  },
  hi: {
    compare: "मॉडलों की तुलना करें",
    models: "पूछे जाने वाले मॉडल",
    lanes: "साथ-साथ उत्तर",
    use: "यह उत्तर चुनें",
    used: (model) => `${model} के उत्तर के साथ आगे बढ़ रहे हैं।`,
  },
  ar: {
    compare: "مقارنة النماذج",
    models: "النماذج التي تُسأل",
    lanes: "إجابات جنبًا إلى جنب",
    use: "استخدام هذه الإجابة",
    used: (model) => `المتابعة بإجابة ${model}.`,
  },
};

/** Returns the words for a language of the widget's texts. */
export function wordsFor(language: string): Words {
  return ALL[language] ?? ALL.en!;
}
