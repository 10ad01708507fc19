/** What the list and the menu say beside the widget's own texts, which are loaded with them. */
export interface Words {
  search: string;
  remembered: string;
  noConversations: string;
  nothingFound: string;
  untitled: string;
  rename: string;
  newTitle: string;
  save: string;
  remove: string;
  removeThis: string;
  keep: string;
  more: string;
  /** Conversations before yesterday. */
  earlier: string;
  exportIt: string;
  printIt: string;
  back: string;
}

const ALL: Record<string, Words> = {
  en: {
    search: "Search conversations",
    remembered: "What I remember",
    noConversations: "No conversations yet",
    nothingFound: "Nothing found",
    untitled: "Untitled",
    rename: "Rename",
    newTitle: "New title",
    save: "Save",
    remove: "Delete",
    removeThis: "Delete this conversation?",
    keep: "Keep",
    more: "Show more",
    earlier: "Older",
    exportIt: "Export",
    printIt: "Print",
    back: "Back",
  },
  de: {
    search: "Unterhaltungen durchsuchen",
    remembered: "Was ich mir merke",
    noConversations: "Noch keine Unterhaltungen",
    nothingFound: "Nichts gefunden",
    untitled: "Ohne Titel",
    rename: "Umbenennen",
    newTitle: "Neuer Titel",
    save: "Speichern",
    remove: "Löschen",
    removeThis: "Diese Unterhaltung löschen?",
    keep: "Behalten",
    more: "Mehr anzeigen",
    earlier: "Älter",
    exportIt: "Exportieren",
    printIt: "Drucken",
    back: "Zurück",
  },
  es: {
    search: "Buscar conversaciones",
    remembered: "Lo que recuerdo",
    noConversations: "Aún no hay conversaciones",
    nothingFound: "No se encontró nada",
    untitled: "Sin título",
    rename: "Cambiar el nombre",
    newTitle: "Título nuevo",
    save: "Guardar",
    remove: "Eliminar",
    removeThis: "¿Eliminar esta conversación?",
    keep: "Conservar",
    more: "Mostrar más",
    earlier: "Anteriores",
    exportIt: "Exportar",
    printIt: "Imprimir",
    back: "Volver",
  },
  pt: {
    search: "Buscar conversas",
    remembered: "O que eu lembro",
    noConversations: "Ainda não há conversas",
    nothingFound: "Nada encontrado",
    untitled: "Sem título",
    rename: "Renomear",
    newTitle: "Novo título",
    save: "Salvar",
    remove: "Excluir",
    removeThis: "Excluir esta conversa?",
    keep: "Manter",
    more: "Mostrar mais",
    earlier: "Mais antigas",
    exportIt: "Exportar",
    printIt: "Imprimir",
    back: "Voltar",
  },
  hi: {
    search: "बातचीत खोजें",
    remembered: "मुझे क्या याद है",
    noConversations: "अभी कोई बातचीत नहीं",
    nothingFound: "कुछ नहीं मिला",
    untitled: "बिना शीर्षक",
    rename: "नाम बदलें",
    newTitle: "नया शीर्षक",
    save: "सहेजें",
    remove: "मिटाएँ",
    removeThis: "यह बातचीत मिटाएँ?",
    keep: "रहने दें",
    more: "और दिखाएँ",
    earlier: "पुरानी",
    exportIt: "निर्यात करें",
    printIt: "प्रिंट करें",
    back: "वापस",
  },
  ar: {
    search: "البحث في المحادثات",
    remembered: "ما أتذكره",
    noConversations: "لا توجد محادثات بعد",
    nothingFound: "لم يُعثر على شيء",
    untitled: "بلا عنوان",
    rename: "إعادة التسمية",
    newTitle: "عنوان جديد",
    save: "حفظ",
    remove: "حذف",
    removeThis: "حذف هذه المحادثة؟",
    keep: "إبقاء",
    more: "عرض المزيد",
    earlier: "أقدم",
    exportIt: "تصدير",
    printIt: "طباعة",
    back: "رجوع",
  },
};

/** Returns the words for a language of the widget's texts. */
export function wordsFor(language: string): Words {
  return ALL[language] ?? ALL.en!;
}
