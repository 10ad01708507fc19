/** What files say beside the widget's own texts, which are loaded with them. */
export interface Words {
  attach: string;
  drop: string;
  /** Of the list of files that the next message has. */
  attached: string;
  files: string;
  remove: string;
  save: string;
  /** Of a file on its way; `percent` is a number. */
  uploading: (percent: string) => string;
  ready: string;
  /** While a message waits for its files. */
  waits: string;
  /** A message was not sent, because of a file. */
  held: string;
  /** Where files are there and nothing is written. */
  ask: string;
  tooLarge: (most: string) => string;
  tooMany: (most: string) => string;
  /** Of a file of no kind that is taken; `taken` is how the names of those end. */
  unsupported: (taken: string) => string;
  unreadable: string;
  /** There is no room for more of the user's, or of their company's. */
  full: string;
  cut: string;
  unshown: string;
}

const ALL: Record<string, Words> = {
  en: {
    attach: "Attach files",
    drop: "Drop files here",
    attached: "Files of your message",
    files: "Files",
    remove: "Remove",
    save: "Save",
    uploading: (percent) => `${percent} %`,
    ready: "Uploaded",
    waits: "Sent as soon as the files are there.",
    held: "Not sent: a file could not be uploaded. Remove it, or try again.",
    ask: "Write what it is about, and send it.",
    tooLarge: (most) => `Larger than ${most}`,
    tooMany: (most) => `At most ${most} files in a message`,
    unsupported: (taken) => `Files of this kind cannot be read, only ${taken}`,
    unreadable: "The file is broken, or cannot be read",
    full: "There is no room for more of your files. Delete conversations that have some.",
    cut: "The upload was cut",
    unshown: "It could not be fetched.",
  },
  de: {
    attach: "Dateien anhängen",
    drop: "Dateien hier ablegen",
    attached: "Dateien deiner Nachricht",
    files: "Dateien",
    remove: "Entfernen",
    save: "Speichern",
    uploading: (percent) => `${percent} %`,
    ready: "Hochgeladen",
    waits: "Wird gesendet, sobald die Dateien da sind.",
    held: "Nicht gesendet: Eine Datei wurde nicht hochgeladen. Entferne sie oder versuche es noch einmal.",
    ask: "Schreib dazu, worum es geht, und sende es.",
    tooLarge: (most) => `Größer als ${most}`,
    tooMany: (most) => `Höchstens ${most} Dateien je Nachricht`,
    unsupported: (taken) => `Dateien dieser Art können nicht gelesen werden, nur ${taken}`,
    unreadable: "Die Datei ist beschädigt oder nicht lesbar",
    full: "Für weitere Dateien ist kein Platz. Lösche Unterhaltungen, die welche haben.",
    cut: "Das Hochladen wurde unterbrochen",
    unshown: "Sie konnte nicht geholt werden.",
  },
  es: {
    attach: "Adjuntar archivos",
    drop: "Suelta los archivos aquí",
    attached: "Archivos de tu mensaje",
    files: "Archivos",
    remove: "Quitar",
    save: "Guardar",
    uploading: (percent) => `${percent} %`,
    ready: "Subido",
    waits: "Se enviará en cuanto estén los archivos.",
    held: "No enviado: un archivo no se pudo subir. Quítalo o inténtalo de nuevo.",
    ask: "Escribe de qué se trata y envíalo.",
    tooLarge: (most) => `Más de ${most}`,
    tooMany: (most) => `Como máximo ${most} archivos por mensaje`,
    unsupported: (taken) => `Los archivos de este tipo no se pueden leer, solo ${taken}`,
    unreadable: "El archivo está dañado o no se puede leer",
    full: "No queda espacio para más archivos. Elimina conversaciones que los tengan.",
    cut: "La subida se interrumpió",
    unshown: "No se pudo obtener.",
  },
  pt: {
    attach: "Anexar arquivos",
    drop: "Solte os arquivos aqui",
    attached: "Arquivos da sua mensagem",
    files: "Arquivos",
    remove: "Remover",
    save: "Salvar",
    uploading: (percent) => `${percent} %`,
    ready: "Enviado",
    waits: "Será enviada assim que os arquivos chegarem.",
    held: "Não enviada: um arquivo não pôde ser carregado. Remova-o ou tente de novo.",
    ask: "Escreva do que se trata e envie.",
    tooLarge: (most) => `Maior que ${most}`,
    tooMany: (most) => `No máximo ${most} arquivos por mensagem`,
    unsupported: (taken) => `Arquivos deste tipo não podem ser lidos, só ${taken}`,
    unreadable: "O arquivo está danificado ou não pode ser lido",
    full: "Não há espaço para mais arquivos. Exclua conversas que tenham algum.",
    cut: "O envio foi interrompido",
    unshown: "Não foi possível obtê-lo.",
  },
  hi: {
    attach: "फ़ाइलें जोड़ें",
    drop: "फ़ाइलें यहाँ छोड़ें",
    attached: "आपके संदेश की फ़ाइलें",
    files: "फ़ाइलें",
    remove: "हटाएँ",
    save: "सहेजें",
    uploading: (percent) => `${percent} %`,
    ready: "अपलोड हो गई",
    waits: "फ़ाइलें पहुँचते ही भेजा जाएगा।",
    held: "नहीं भेजा गया: एक फ़ाइल अपलोड नहीं हुई। उसे हटाएँ या फिर कोशिश करें।",
    ask: "लिखें कि यह किस बारे में है, फिर भेजें।",
    tooLarge: (most) => `${most} से बड़ी`,
    tooMany: (most) => `एक संदेश में अधिकतम ${most} फ़ाइलें`,
    unsupported: (taken) => `इस प्रकार की फ़ाइलें पढ़ी नहीं जा सकतीं, केवल ${taken}`,
    unreadable: "फ़ाइल ख़राब है या पढ़ी नहीं जा सकती",
    full: "और फ़ाइलों के लिए जगह नहीं है। जिन बातचीतों में फ़ाइलें हैं, उन्हें हटाएँ।",
    cut: "अपलोड बीच में रुक गया",
    unshown: "इसे लाया नहीं जा सका।",
  },
  ar: {
    attach: "إرفاق ملفات",
    drop: "أفلت الملفات هنا",
    attached: "ملفات رسالتك",
    files: "ملفات",
    remove: "إزالة",
    save: "حفظ",
    uploading: (percent) => `${percent} ٪`,
    ready: "تم الرفع",
    waits: "ستُرسل حالما تصل الملفات.",
    held: "لم تُرسل: تعذّر رفع ملف. أزله أو حاول مرة أخرى.",
    ask: "اكتب ما المطلوب ثم أرسله.",
    tooLarge: (most) => `أكبر من ${most}`,
    tooMany: (most) => `${most} ملفات على الأكثر في الرسالة`,
    unsupported: (taken) => `لا يمكن قراءة ملفات من هذا النوع، بل ${taken} فقط`,
    unreadable: "الملف تالف أو لا يمكن قراءته",
    full: "لا مكان لمزيد من ملفاتك. احذف محادثات فيها ملفات.",
    cut: "انقطع الرفع",
    unshown: "تعذّر جلبه.",
  },
};

/** Returns the words for a language of the widget's texts. */
export function wordsFor(language: string): Words {
  return ALL[language] ?? ALL.en!;
}
