/** What the list of memories says beside the widget's own texts, which are loaded with it. */
export interface Words {
  title: string;
  about: string;
  none: string;
  back: string;
  edit: string;
  /** The name of the field in which a fact is changed. */
  fact: string;
  save: string;
  forget: string;
  forgetThis: string;
  forgetAll: string;
  forgetEvery: string;
  keep: string;
  more: string;
  /** Said of a fact that belongs to the whole organisation. */
  shared: string;
  saved: string;
  forgotten: string;
}

const ALL: Record<string, Words> = {
  en: {
    title: "What I remember",
    about: "The assistant keeps these facts beyond a conversation. What you change or forget here it is told no more.",
    none: "Nothing is remembered.",
    back: "Back",
    edit: "Edit",
    fact: "What is remembered",
    save: "Save",
    forget: "Forget",
    forgetThis: "Forget this?",
    forgetAll: "Forget everything",
    forgetEvery: "Forget everything about you? This cannot be undone.",
    keep: "Keep",
    more: "Show more",
    shared: "For your whole organisation",
    saved: "Changed.",
    forgotten: "Forgotten.",
  },
  de: {
    title: "Was ich mir merke",
    about:
      "Der Assistent behält diese Angaben über eine Unterhaltung hinaus. Was du hier änderst oder löschst, erfährt er nicht mehr.",
    none: "Es ist nichts gemerkt.",
    back: "Zurück",
    edit: "Bearbeiten",
    fact: "Gemerktes",
    save: "Speichern",
    forget: "Vergessen",
    forgetThis: "Das vergessen?",
    forgetAll: "Alles vergessen",
    forgetEvery: "Alles über dich vergessen? Das lässt sich nicht rückgängig machen.",
    keep: "Behalten",
    more: "Mehr anzeigen",
    shared: "Für deine ganze Organisation",
    saved: "Geändert.",
    forgotten: "Vergessen.",
  },
  es: {
    title: "Lo que recuerdo",
    about:
      "El asistente guarda estos datos más allá de una conversación. Lo que cambies u olvides aquí ya no se le comunica.",
    none: "No se recuerda nada.",
    back: "Volver",
    edit: "Editar",
    fact: "Lo que se recuerda",
    save: "Guardar",
    forget: "Olvidar",
    forgetThis: "¿Olvidar esto?",
    forgetAll: "Olvidar todo",
    forgetEvery: "¿Olvidar todo sobre ti? No se puede deshacer.",
    keep: "Conservar",
    more: "Mostrar más",
    shared: "Para toda tu organización",
    saved: "Cambiado.",
    forgotten: "Olvidado.",
  },
  pt: {
    title: "O que eu lembro",
    about:
      "O assistente guarda estes dados para além de uma conversa. O que você mudar ou esquecer aqui não lhe é mais dito.",
    none: "Nada é lembrado.",
    back: "Voltar",
    edit: "Editar",
    fact: "O que é lembrado",
    save: "Salvar",
    forget: "Esquecer",
    forgetThis: "Esquecer isto?",
    forgetAll: "Esquecer tudo",
    forgetEvery: "Esquecer tudo sobre você? Não é possível desfazer.",
    keep: "Manter",
    more: "Mostrar mais",
    shared: "Para toda a sua organização",
    saved: "Alterado.",
    forgotten: "Esquecido.",
  },
  hi: {
    title: "मुझे क्या याद है",
    about: "सहायक ये बातें एक बातचीत के बाद भी याद रखता है। जो आप यहाँ बदलते या मिटाते हैं, वह उसे फिर नहीं बताया जाता।",
    none: "कुछ भी याद नहीं रखा गया है।",
    back: "वापस",
    edit: "बदलें",
    fact: "याद रखी गई बात",
    save: "सहेजें",
    forget: "भूल जाएँ",
    forgetThis: "इसे भूल जाएँ?",
    forgetAll: "सब कुछ भूल जाएँ",
    forgetEvery: "आपके बारे में सब कुछ भूल जाएँ? इसे वापस नहीं लाया जा सकता।",
    keep: "रहने दें",
    more: "और दिखाएँ",
    shared: "आपके पूरे संगठन के लिए",
    saved: "बदल दिया गया।",
    forgotten: "भुला दिया गया।",
  },
  ar: {
    title: "ما أتذكره",
    about: "يحتفظ المساعد بهذه المعلومات إلى ما بعد المحادثة. ما تغيّره أو تنساه هنا لا يُخبَر به بعد ذلك.",
    none: "لا شيء محفوظ في الذاكرة.",
    back: "رجوع",
    edit: "تعديل",
    fact: "المعلومة المحفوظة",
    save: "حفظ",
    forget: "نسيان",
    forgetThis: "نسيان هذا؟",
    forgetAll: "نسيان كل شيء",
    forgetEvery: "نسيان كل شيء عنك؟ لا يمكن التراجع عن ذلك.",
    keep: "إبقاء",
    more: "عرض المزيد",
    shared: "لمؤسستك كلها",
    saved: "تم التعديل.",
    forgotten: "تم النسيان.",
  },
};

/** Returns the words for a language of the widget's texts. */
export function wordsFor(language: string): Words {
  return ALL[language] ?? ALL.en!;
}
