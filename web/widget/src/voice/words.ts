/** What the voice says beside the widget's own texts, which is loaded with it: on buttons, of its troubles, and aloud. */
import type { SpokenWords, Trouble } from "@frontdesk/client/voice";

export interface Words {
  aloud: string;
  reading: string;
  hush: string;
  dictate: string;
  /** On the button that ends a dictation and takes it. */
  done: string;
  asking: string;
  listening: string;
  writing: string;
  /** Of a dictation that is thrown away. */
  discard: string;
  standIn: string;
  silent: Readonly<Record<"blocked" | "unsupported" | "failed", string>>;
  deaf: Readonly<Record<Exclude<Trouble, "blocked">, string>>;
  spoken: SpokenWords;
}

const ALL: Record<string, Words> = {
  en: {
    aloud: "Read answers aloud",
    reading: "Reading aloud",
    hush: "Stop reading",
    dictate: "Dictate",
    done: "Done",
    asking: "Waiting for the microphone …",
    listening: "Listening …",
    writing: "Writing it down …",
    discard: "Discard",
    standIn: "The voice is not available; your browser reads in its place.",
    silent: {
      blocked: "Your browser lets nothing sound yet. Press the loudspeaker again.",
      unsupported: "This browser has no voice.",
      failed: "This could not be read aloud.",
    },
    deaf: {
      denied: "The microphone is not allowed here. Allow it in your browser's settings for this page.",
      missing: "There is no microphone that can be used.",
      unsupported: "This browser cannot take dictation here.",
      network: "Your browser's speech recognition cannot be reached.",
      nothing: "Nothing was heard.",
      failed: "What you said could not be written down.",
    },
    spoken: {
      code: "Here is code, which you can read in the text.",
      table: (columns) => (columns ? `Here is a table of ${columns}.` : "Here is a table."),
      picture: (alt) => (alt ? `Picture: ${alt}.` : "Here is a picture."),
      formula: "Here is a formula.",
      link: (host) => host,
    },
  },
  de: {
    aloud: "Antworten vorlesen",
    reading: "Wird vorgelesen",
    hush: "Nicht weiterlesen",
    dictate: "Diktieren",
    done: "Fertig",
    asking: "Warte auf das Mikrofon …",
    listening: "Ich höre zu …",
    writing: "Wird aufgeschrieben …",
    discard: "Verwerfen",
    standIn: "Die Stimme ist nicht verfügbar; an ihrer Stelle liest dein Browser vor.",
    silent: {
      blocked: "Dein Browser lässt noch keinen Ton zu. Drück noch einmal auf den Lautsprecher.",
      unsupported: "Dieser Browser hat keine Stimme.",
      failed: "Das konnte nicht vorgelesen werden.",
    },
    deaf: {
      denied: "Das Mikrofon ist hier nicht erlaubt. Erlaube es in den Einstellungen des Browsers für diese Seite.",
      missing: "Es gibt kein Mikrofon, das verwendet werden kann.",
      unsupported: "Mit diesem Browser kann hier nicht diktiert werden.",
      network: "Die Spracherkennung deines Browsers ist nicht erreichbar.",
      nothing: "Es war nichts zu hören.",
      failed: "Was du gesagt hast, konnte nicht aufgeschrieben werden.",
    },
    spoken: {
      code: "Hier steht Code, den du im Text lesen kannst.",
      table: (columns) => (columns ? `Hier steht eine Tabelle mit ${columns}.` : "Hier steht eine Tabelle."),
      picture: (alt) => (alt ? `Bild: ${alt}.` : "Hier ist ein Bild."),
      formula: "Hier steht eine Formel.",
      link: (host) => host,
    },
  },
  es: {
    aloud: "Leer las respuestas en voz alta",
    reading: "Leyendo en voz alta",
    hush: "Dejar de leer",
    dictate: "Dictar",
    done: "Listo",
    asking: "Esperando el micrófono …",
    listening: "Escuchando …",
    writing: "Transcribiendo …",
    discard: "Descartar",
    standIn: "La voz no está disponible; en su lugar lee tu navegador.",
    silent: {
      blocked: "Tu navegador aún no permite sonido. Pulsa otra vez el altavoz.",
      unsupported: "Este navegador no tiene voz.",
      failed: "No se pudo leer en voz alta.",
    },
    deaf: {
      denied: "El micrófono no está permitido aquí. Permítelo en los ajustes del navegador para esta página.",
      missing: "No hay ningún micrófono disponible.",
      unsupported: "Con este navegador no se puede dictar aquí.",
      network: "No se puede acceder al reconocimiento de voz de tu navegador.",
      nothing: "No se oyó nada.",
      failed: "No se pudo transcribir lo que dijiste.",
    },
    spoken: {
      code: "Aquí hay código, que puedes leer en el texto.",
      table: (columns) => (columns ? `Aquí hay una tabla con ${columns}.` : "Aquí hay una tabla."),
      picture: (alt) => (alt ? `Imagen: ${alt}.` : "Aquí hay una imagen."),
      formula: "Aquí hay una fórmula.",
      link: (host) => host,
    },
  },
  pt: {
    aloud: "Ler as respostas em voz alta",
    reading: "Lendo em voz alta",
    hush: "Parar de ler",
    dictate: "Ditar",
    done: "Pronto",
    asking: "Aguardando o microfone …",
    listening: "Ouvindo …",
    writing: "Transcrevendo …",
    discard: "Descartar",
    standIn: "A voz não está disponível; seu navegador lê no lugar dela.",
    silent: {
      blocked: "Seu navegador ainda não permite som. Pressione o alto-falante outra vez.",
      unsupported: "Este navegador não tem voz.",
      failed: "Não foi possível ler em voz alta.",
    },
    deaf: {
      denied: "O microfone não é permitido aqui. Permita-o nas configurações do navegador para esta página.",
      missing: "Não há microfone que possa ser usado.",
      unsupported: "Com este navegador não é possível ditar aqui.",
      network: "O reconhecimento de fala do seu navegador não está acessível.",
      nothing: "Nada foi ouvido.",
      failed: "Não foi possível transcrever o que você disse.",
    },
    spoken: {
      code: "Aqui há código, que você pode ler no texto.",
      table: (columns) => (columns ? `Aqui há uma tabela com ${columns}.` : "Aqui há uma tabela."),
      picture: (alt) => (alt ? `Imagem: ${alt}.` : "Aqui há uma imagem."),
      formula: "Aqui há uma fórmula.",
      link: (host) => host,
    },
  },
  hi: {
    aloud: "उत्तर पढ़कर सुनाएँ",
    reading: "पढ़कर सुनाया जा रहा है",
    hush: "पढ़ना रोकें",
    dictate: "बोलकर लिखें",
    done: "पूरा हुआ",
    asking: "माइक्रोफ़ोन की प्रतीक्षा …",
    listening: "सुन रहा है …",
    writing: "लिखा जा रहा है …",
    discard: "हटाएँ",
    standIn: "आवाज़ उपलब्ध नहीं है; उसकी जगह आपका ब्राउज़र पढ़ रहा है।",
    silent: {
      blocked: "आपका ब्राउज़र अभी ध्वनि की अनुमति नहीं देता। स्पीकर फिर से दबाएँ।",
      unsupported: "इस ब्राउज़र में कोई आवाज़ नहीं है।",
      failed: "इसे पढ़कर नहीं सुनाया जा सका।",
    },
    deaf: {
      denied: "यहाँ माइक्रोफ़ोन की अनुमति नहीं है। इस पृष्ठ के लिए ब्राउज़र की सेटिंग में अनुमति दें।",
      missing: "कोई माइक्रोफ़ोन उपलब्ध नहीं है।",
      unsupported: "इस ब्राउज़र में यहाँ बोलकर नहीं लिखा जा सकता।",
      network: "आपके ब्राउज़र की वाक् पहचान तक पहुँचा नहीं जा सकता।",
      nothing: "कुछ सुनाई नहीं दिया।",
      failed: "आपकी बात लिखी नहीं जा सकी।",
    },
    spoken: {
      code: "यहाँ कोड है, जिसे आप पाठ में पढ़ सकते हैं।",
      table: (columns) => (columns ? `यहाँ एक तालिका है: ${columns}।` : "यहाँ एक तालिका है।"),
      picture: (alt) => (alt ? `चित्र: ${alt}।` : "यहाँ एक चित्र है।"),
      formula: "यहाँ एक सूत्र है।",
      link: (host) => host,
    },
  },
  ar: {
    aloud: "قراءة الإجابات بصوت عالٍ",
    reading: "تجري القراءة بصوت عالٍ",
    hush: "إيقاف القراءة",
    dictate: "إملاء صوتي",
    done: "تم",
    asking: "في انتظار الميكروفون …",
    listening: "أستمع …",
    writing: "تجري الكتابة …",
    discard: "تجاهل",
    standIn: "الصوت غير متاح؛ يقرأ متصفحك بدلًا منه.",
    silent: {
      blocked: "لا يسمح متصفحك بالصوت بعد. اضغط على مكبر الصوت مرة أخرى.",
      unsupported: "لا يوجد صوت في هذا المتصفح.",
      failed: "تعذرت القراءة بصوت عالٍ.",
    },
    deaf: {
      denied: "الميكروفون غير مسموح به هنا. اسمح به في إعدادات المتصفح لهذه الصفحة.",
      missing: "لا يوجد ميكروفون يمكن استخدامه.",
      unsupported: "لا يمكن الإملاء هنا بهذا المتصفح.",
      network: "تعذر الوصول إلى التعرف على الكلام في متصفحك.",
      nothing: "لم يُسمع شيء.",
      failed: "تعذرت كتابة ما قلته.",
    },
    spoken: {
      code: "هنا شيفرة برمجية يمكنك قراءتها في النص.",
      table: (columns) => (columns ? `هنا جدول: ${columns}.` : "هنا جدول."),
      picture: (alt) => (alt ? `صورة: ${alt}.` : "هنا صورة."),
      formula: "هنا معادلة.",
      link: (host) => host,
    },
  },
};

/** Returns the words for a language of the widget's texts. */
export function wordsFor(language: string): Words {
  return ALL[language] ?? ALL.en!;
}
