/** What a list of sources says beside the widget's own texts, which is loaded with it. */
export interface Words {
  sources: string;
  excerpt: string;
  address: string;
}

const ALL: Record<string, Words> = {
  en: { sources: "Sources", excerpt: "Excerpt", address: "Address" },
  de: { sources: "Quellen", excerpt: "Auszug", address: "Adresse" },
  es: { sources: "Fuentes", excerpt: "Extracto", address: "Dirección" },
  pt: { sources: "Fontes", excerpt: "Trecho", address: "Endereço" },
  ar: { sources: "المصادر", excerpt: "مقتطف", address: "العنوان" },
  hi: { sources: "स्रोत", excerpt: "अंश", address: "पता" },
};

export function wordsFor(language: string): Words {
  return ALL[language] ?? ALL.en!;
}
