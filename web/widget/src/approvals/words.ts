/** What the cards say beside the widget's own texts, which are loaded with it. */
export interface Words {
  calls: string;
  given: string;
  below: string;
  showAll: string;
  edit: string;
  approveEdited: string;
  denyWhy: string;
  why: string;
  always: string;
  all: (count: number) => string;
  unreadable: string;
  covered: string;
  framed: string;
  left: string;
  until: (time: string) => string;
  expires: (when: string) => string;
  askedBy: (who: string) => string;
  waitsFor: (roles: string) => string;
  inbox: (count: number) => string;
  approved: string;
  denied: string;
  expired: string;
  withdrawn: string;
  byYou: string;
  byYouChanged: string;
  notDone: string;
}

const en: Words = {
  calls: "Will be called",
  given: "With",
  below: "There is more below.",
  showAll: "Show all",
  edit: "Edit",
  approveEdited: "Approve with changes",
  denyWhy: "Deny and say why",
  why: "Why not? The assistant is told.",
  always: "Do not ask again for this in this conversation",
  all: (count) => `Approve all ${count}`,
  unreadable: "This cannot be read as the value that it should be.",
  covered: "Something on this page covers the card. It can be approved when all of it is in sight.",
  framed: "This page stands in a page of somebody else. Open it on its own to approve.",
  left: "Time left",
  until: (time) => `Until ${time}`,
  expires: (when) => `Expires ${when}.`,
  askedBy: (who) => `Asked by ${who}`,
  waitsFor: (roles) => `Waits for the approval of somebody else: ${roles}`,
  inbox: (count) => (count === 1 ? "1 approval waits for you" : `${count} approvals wait for you`),
  approved: "Approved",
  denied: "Denied",
  expired: "Expired",
  withdrawn: "Not done: something else was said",
  byYou: "by you",
  byYouChanged: "by you, with changes",
  notDone: "so it was not done",
};

const de: Words = {
  calls: "Wird aufgerufen",
  given: "Mit",
  below: "Darunter steht noch mehr.",
  showAll: "Alles zeigen",
  edit: "Ändern",
  approveEdited: "Geändert genehmigen",
  denyWhy: "Ablehnen und begründen",
  why: "Warum nicht? Der Assistent erfährt es.",
  always: "In dieser Unterhaltung dafür nicht mehr fragen",
  all: (count) => `Alle ${count} genehmigen`,
  unreadable: "Das ist nicht als der Wert lesbar, der hier stehen soll.",
  covered: "Etwas auf dieser Seite verdeckt die Karte. Genehmigt werden kann sie, wenn sie ganz zu sehen ist.",
  framed: "Diese Seite steht in einer fremden Seite. Zum Genehmigen muss sie für sich geöffnet werden.",
  left: "Verbleibende Zeit",
  until: (time) => `Bis ${time}`,
  expires: (when) => `Läuft ${when} ab.`,
  askedBy: (who) => `Gefragt von ${who}`,
  waitsFor: (roles) => `Wartet auf die Genehmigung von jemand anderem: ${roles}`,
  inbox: (count) => (count === 1 ? "1 Genehmigung wartet" : `${count} Genehmigungen warten`),
  approved: "Genehmigt",
  denied: "Abgelehnt",
  expired: "Abgelaufen",
  withdrawn: "Nicht getan: es wurde etwas anderes gesagt",
  byYou: "von Ihnen",
  byYouChanged: "von Ihnen, mit Änderungen",
  notDone: "also nicht getan",
};

const es: Words = {
  calls: "Se ejecutará",
  given: "Con",
  below: "Hay más abajo.",
  showAll: "Mostrar todo",
  edit: "Editar",
  approveEdited: "Aprobar con cambios",
  denyWhy: "Rechazar y decir por qué",
  why: "¿Por qué no? Se le dirá al asistente.",
  always: "No volver a preguntar por esto en esta conversación",
  all: (count) => `Aprobar los ${count}`,
  unreadable: "No se puede leer como el valor que debería ser.",
  covered: "Algo de esta página tapa la tarjeta. Se puede aprobar cuando se vea entera.",
  framed: "Esta página está dentro de otra ajena. Ábrala por separado para aprobar.",
  left: "Tiempo restante",
  until: (time) => `Hasta: ${time}`,
  expires: (when) => `Vence ${when}.`,
  askedBy: (who) => `Solicitado por ${who}`,
  waitsFor: (roles) => `A la espera de la aprobación de otra persona: ${roles}`,
  inbox: (count) => (count === 1 ? "1 aprobación te espera" : `${count} aprobaciones te esperan`),
  approved: "Aprobado",
  denied: "Rechazado",
  expired: "Vencido",
  withdrawn: "No se hizo: se dijo otra cosa",
  byYou: "por ti",
  byYouChanged: "por ti, con cambios",
  notDone: "así que no se hizo",
};

const pt: Words = {
  calls: "Será chamado",
  given: "Com",
  below: "Há mais abaixo.",
  showAll: "Mostrar tudo",
  edit: "Editar",
  approveEdited: "Aprovar com alterações",
  denyWhy: "Recusar e dizer por quê",
  why: "Por que não? O assistente será informado.",
  always: "Não perguntar mais por isto nesta conversa",
  all: (count) => `Aprovar os ${count}`,
  unreadable: "Não se pode ler como o valor que deveria ser.",
  covered: "Algo nesta página cobre o cartão. Pode ser aprovado quando estiver todo à vista.",
  framed: "Esta página está dentro de outra alheia. Abra-a por si só para aprovar.",
  left: "Tempo restante",
  until: (time) => `Até ${time}`,
  expires: (when) => `Expira ${when}.`,
  askedBy: (who) => `Pedido por ${who}`,
  waitsFor: (roles) => `À espera da aprovação de outra pessoa: ${roles}`,
  inbox: (count) => (count === 1 ? "1 aprovação à sua espera" : `${count} aprovações à sua espera`),
  approved: "Aprovado",
  denied: "Recusado",
  expired: "Expirado",
  withdrawn: "Não foi feito: disse-se outra coisa",
  byYou: "por você",
  byYouChanged: "por você, com alterações",
  notDone: "portanto não foi feito",
};

const hi: Words = {
  calls: "यह चलाया जाएगा",
  given: "इनके साथ",
  below: "नीचे और है।",
  showAll: "सब दिखाएँ",
  edit: "बदलें",
  approveEdited: "बदलाव के साथ स्वीकृत करें",
  denyWhy: "अस्वीकार करें और कारण बताएँ",
  why: "क्यों नहीं? सहायक को बताया जाएगा।",
  always: "इस बातचीत में इसके लिए फिर न पूछें",
  all: (count) => `सभी ${count} स्वीकृत करें`,
  unreadable: "इसे उस मान के रूप में नहीं पढ़ा जा सकता जो यहाँ होना चाहिए।",
  covered: "इस पृष्ठ पर कुछ कार्ड को ढक रहा है। पूरा दिखने पर ही स्वीकृति दी जा सकती है।",
  framed: "यह पृष्ठ किसी और के पृष्ठ के भीतर है। स्वीकृति के लिए इसे अलग खोलें।",
  left: "बचा समय",
  until: (time) => `${time} तक`,
  expires: (when) => `${when} समाप्त होगा।`,
  askedBy: (who) => `${who} ने पूछा`,
  waitsFor: (roles) => `किसी और की स्वीकृति की प्रतीक्षा: ${roles}`,
  inbox: (count) => `${count} स्वीकृतियाँ आपकी प्रतीक्षा में`,
  approved: "स्वीकृत",
  denied: "अस्वीकृत",
  expired: "समय समाप्त",
  withdrawn: "नहीं किया गया: कुछ और कहा गया",
  byYou: "आपके द्वारा",
  byYouChanged: "आपके द्वारा, बदलाव के साथ",
  notDone: "इसलिए नहीं किया गया",
};

const ar: Words = {
  calls: "سيُستدعى",
  given: "مع",
  below: "يوجد المزيد في الأسفل.",
  showAll: "عرض الكل",
  edit: "تعديل",
  approveEdited: "موافقة مع التعديل",
  denyWhy: "رفض مع ذكر السبب",
  why: "لماذا لا؟ سيُخبَر المساعد بذلك.",
  always: "لا تسأل عن هذا مجددًا في هذه المحادثة",
  all: (count) => `الموافقة على الكل (${count})`,
  unreadable: "لا يمكن قراءة هذا كالقيمة المطلوبة هنا.",
  covered: "شيء ما في هذه الصفحة يغطي البطاقة. يمكن الموافقة عندما تظهر كاملة.",
  framed: "هذه الصفحة داخل صفحة جهة أخرى. افتحها وحدها للموافقة.",
  left: "الوقت المتبقي",
  until: (time) => `حتى ${time}`,
  expires: (when) => `تنتهي ${when}.`,
  askedBy: (who) => `بطلب من ${who}`,
  waitsFor: (roles) => `في انتظار موافقة شخص آخر: ${roles}`,
  inbox: (count) => `موافقات في انتظارك: ${count}`,
  approved: "تمت الموافقة",
  denied: "مرفوض",
  expired: "انتهت المهلة",
  withdrawn: "لم يُنفَّذ: قيل شيء آخر",
  byYou: "منك",
  byYouChanged: "منك، مع تعديل",
  notDone: "فلم يُنفَّذ",
};

const ALL: Record<string, Words> = { ar, de, en, es, hi, pt };

export function wordsFor(language: string): Words {
  return ALL[language] ?? en;
}
