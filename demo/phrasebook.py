"""The offline model's knowledge of other languages: words of questions, its own sentences, names of figures."""

LANGUAGES = ("pt", "es", "de", "hi")
"""Of the columns below, behind the English one."""

WORDS = """
how many | quantos quantas | cuántos cuántas cuantos cuantas | wie_viele wieviele | कितने कितनी
how much | quanto quanta | cuánto cuánta cuanto cuanta | wie_viel wieviel | कितना
what | qual quais que o_que | cuál cuáles cual qué que | welche welcher welches was | क्या कौन_सा
who | quem | quién quiénes quien | wer | कौन
when | quando | cuándo | wann | कब
how | como | cómo | wie | कैसे
where | onde | dónde | wo |
clients | clientes alunos sócios membros | clientes socios miembros | kunden kundinnen mitglieder | ग्राहक ग्राहकों सदस्य सदस्यों
trainers | treinadores instrutores professores | entrenadores instructores | trainer trainerinnen | प्रशिक्षक प्रशिक्षकों ट्रेनर
classes | aulas | clases | kurse | कक्षाएँ कक्षाएं
revenue | receita faturamento faturação | ingresos facturación | umsatz umsätze einnahmen | आय आमदनी कमाई राजस्व
expenses | despesas gastos custos | gastos costes costos | ausgaben kosten | खर्च खर्चे व्यय
profit | lucro | beneficio ganancia ganancias | gewinn | लाभ मुनाफा मुनाफ़ा
visits | visitas | visitas | besuche |
money | dinheiro | dinero | geld | पैसा पैसे
earned | ganhamos faturamos | ganamos facturamos | verdient eingenommen | कमाया कमाए
this month | este_mês neste_mês deste_mês | este_mes | diesen_monat diesem_monat dieser_monat | इस_महीने
last month | mês_passado no_mês_passado | mes_pasado el_mes_pasado | letzten_monat letzter_monat letzten_monats | पिछले_महीने
this week | esta_semana nesta_semana desta_semana | esta_semana | diese_woche dieser_woche | इस_हफ्ते इस_सप्ताह
last week | semana_passada na_semana_passada | semana_pasada la_semana_pasada | letzte_woche letzter_woche | पिछले_हफ्ते पिछले_सप्ताह
this year | este_ano neste_ano deste_ano | este_año | dieses_jahr diesem_jahr dieses_jahres | इस_साल
last year | ano_passado no_ano_passado | año_pasado el_año_pasado | letztes_jahr letzten_jahr letzten_jahres | पिछले_साल
this quarter | este_trimestre neste_trimestre deste_trimestre | este_trimestre | dieses_quartal diesem_quartal dieses_quartals |
last quarter | trimestre_passado no_trimestre_passado último_trimestre | trimestre_pasado el_trimestre_pasado último_trimestre | letztes_quartal letzten_quartal letzten_quartals |
day before yesterday | anteontem | anteayer | vorgestern |
until | até | hasta | bis |
since | desde | desde | seit |
before | antes_de | antes_de | vor |
today | hoje | hoy | heute | आज
yesterday | ontem | ayer | gestern |
tomorrow | amanhã | mañana | morgen |
list | mostre mostra mostrar liste listar | muestra muéstrame mostrar lista listar | zeige zeig liste | दिखाओ दिखाएँ दिखाइए
do we have | temos tem | tenemos hay | haben_wir gibt_es |
is | foi foram é são está estão | es son fue fueron está están | ist sind war waren | हैं है थी था थे
came | veio vieram | vino vinieron | kam kamen |
active | ativos ativas | activos activas | aktive aktiv | सक्रिय
inactive | inativos inativas | inactivos inactivas | inaktive inaktiv | निष्क्रिय
new | novos novas | nuevos nuevas | neue neu | नए नये
our | nosso nossa nossos nossas | nuestro nuestra nuestros nuestras | unsere unser unseren | हमारे हमारी हमारा
not | não | no | nicht kein keine | नहीं
without | sem | sin | ohne |
in | em no na nos nas | en | im in | में
of | de do da dos das | de del | von vom | का की के
the | o a os as um uma | el la los las un una | der die das den dem ein eine |
and | e | y | und | और
dark mode | modo_escuro | modo_oscuro | dunkelmodus dunkler_modus dunklen_modus | डार्क_मोड
switch | mude muda | cambia | schalte stelle |
dark | escuro | oscuro | dunkel |
light mode | modo_claro | modo_claro | heller_modus hellen_modus |
switch to | mude_para muda_para | cambia_a | wechsle_zu wechsle_in |
we |  |  | wir |
all |  |  | alle |
undo | desfaz desfaça desfazer | deshaz deshacer | mach_das_rückgängig rückgängig_machen rückgängig | वापस_लो पूर्ववत_करो
that | isso isto | eso esto |  | वह इसे उसे
January | janeiro | enero | januar | जनवरी
February | fevereiro | febrero | februar | फरवरी
March | março | marzo | märz | मार्च
April | abril | abril | april | अप्रैल
May | maio | mayo | mai | मई
June | junho | junio | juni | जून
July | julho | julio | juli | जुलाई
August | agosto | agosto | august | अगस्त
September | setembro | septiembre | september | सितंबर
October | outubro | octubre | oktober | अक्टूबर
November | novembro | noviembre | november | नवंबर
December | dezembro | diciembre | dezember | दिसंबर
"""
"""Words of questions, with _ for a space within."""

LABELS = """
clients | Clientes | Clientes | Kunden | ग्राहक
trainers | Treinadores | Entrenadores | Trainer | प्रशिक्षक
total | Total | Total | Gesamt | कुल
active | Ativos | Activos | Aktiv | सक्रिय
inactive | Inativos | Inactivos | Inaktiv | निष्क्रिय
new this month | Novos este mês | Nuevos este mes | Neu in diesem Monat | इस महीने नए
figure | Valor | Cifra | Zahl | आँकड़ा
revenue | Receita | Ingresos | Umsatz | आय
expenses | Despesas | Gastos | Ausgaben | खर्च
net profit | Lucro líquido | Beneficio neto | Reingewinn | शुद्ध लाभ
branch | Filial | Sucursal | Filiale | शाखा
"""
"""Names of figures."""

NOTE = (
    "*Answered by Frontdesk's built-in demo model, which only matches words. "
    "Connect a real model for real conversations.*"
)
SELF = "I am the built-in demo model, which only matches words, not a language model."
LOST = "I did not understand {lost}, so I looked nothing up for that."
MORE = "For **{tool}** I need to know more. Please say it in one message:"
NO_TOOL = "I did not find a tool for that."
NO_TOOLS = "I have no tools here."
ABLE = "Here is what I can do:"
NO_CHART = "I cannot draw charts here."
IS_TABLE = "This is a table in its place."
NO_WAY_BACK = "I cannot take back what was done. Please say what should be changed instead."
REMEMBERED = "I will remember this in later conversations:"
KNOWN_BEFORE = "I have remembered this already:"
FORGOTTEN = "I have forgotten this:"
ALL_REMEMBERED = "This is what I remember of you:"
FROM_MEMORY = "No tool answers that, but I remember from earlier conversations:"
OF_ALL = "And of your organisation:"
NOTHING_REMEMBERED = "I remember nothing of you."
OF_FILES = "I cannot understand a file, but I can tell what it holds and how it begins:"

SAYINGS = {
    NOTE: (
        "*Respondido pelo modelo de demonstração do Frontdesk, que só compara palavras. Ligue um modelo real para conversas reais.*",
        "*Respondido por el modelo de demostración de Frontdesk, que solo compara palabras. Conecta un modelo real para conversaciones reales.*",
        "*Beantwortet vom eingebauten Demomodell von Frontdesk, das nur Wörter vergleicht. Ein echtes Modell macht echte Gespräche daraus.*",
        "*यह उत्तर Frontdesk के डेमो मॉडल का है, जो केवल शब्द मिलाता है। असली बातचीत के लिए असली मॉडल जोड़ें।*",
    ),
    SELF: (
        "Sou o modelo de demonstração, que só compara palavras, e não um modelo de linguagem.",
        "Soy el modelo de demostración, que solo compara palabras, y no un modelo de lenguaje.",
        "Ich bin das eingebaute Demomodell, das nur Wörter vergleicht, und kein Sprachmodell.",
        "मैं डेमो मॉडल हूँ, जो केवल शब्द मिलाता है, भाषा मॉडल नहीं।",
    ),
    LOST: (
        "Não compreendi {lost}, por isso não procurei nada para isso.",
        "No entendí {lost}, así que no busqué nada para eso.",
        "Ich habe {lost} nicht verstanden und dafür nichts nachgesehen.",
        "मैं {lost} नहीं समझा, इसलिए उसके लिए कुछ नहीं देखा।",
    ),
    MORE: (
        "Para **{tool}** preciso de saber mais. Diga tudo numa só mensagem:",
        "Para **{tool}** necesito saber más. Dilo todo en un solo mensaje:",
        "Für **{tool}** muss ich mehr wissen. Bitte sag es in einer Nachricht:",
        "**{tool}** के लिए मुझे और जानना है। कृपया सब एक संदेश में लिखें:",
    ),
    NO_TOOL: (
        "Não encontrei uma ferramenta para isso.",
        "No encontré una herramienta para eso.",
        "Dafür habe ich kein Werkzeug gefunden.",
        "इसके लिए मुझे कोई उपकरण नहीं मिला।",
    ),
    NO_TOOLS: (
        "Não tenho ferramentas aqui.",
        "No tengo herramientas aquí.",
        "Ich habe hier keine Werkzeuge.",
        "यहाँ मेरे पास कोई उपकरण नहीं है।",
    ),
    ABLE: (
        "Isto é o que posso fazer:",
        "Esto es lo que puedo hacer:",
        "Das kann ich:",
        "मैं यह कर सकता हूँ:",
    ),
    NO_CHART: (
        "Não consigo desenhar gráficos aqui.",
        "No puedo dibujar gráficos aquí.",
        "Diagramme kann ich hier nicht zeichnen.",
        "मैं यहाँ चार्ट नहीं बना सकता।",
    ),
    IS_TABLE: (
        "Em vez disso, esta é uma tabela.",
        "En su lugar, esta es una tabla.",
        "Dies ist stattdessen eine Tabelle.",
        "उसकी जगह यह एक तालिका है।",
    ),
    NO_WAY_BACK: (
        "Não posso desfazer o que foi feito. Diga o que deve ser mudado em vez disso.",
        "No puedo deshacer lo que se hizo. Di qué debe cambiarse en su lugar.",
        "Was getan ist, kann ich nicht zurücknehmen. Bitte sag, was stattdessen geändert werden soll.",
        "जो हो चुका है उसे मैं वापस नहीं ले सकता। कृपया बताएँ कि क्या बदलना है।",
    ),
    REMEMBERED: (
        "Vou lembrar-me disto em conversas futuras:",
        "Recordaré esto en conversaciones futuras:",
        "Das merke ich mir für spätere Gespräche:",
        "आगे की बातचीत के लिए मैं यह याद रखूँगा:",
    ),
    KNOWN_BEFORE: (
        "Disto já me lembro:",
        "Esto ya lo recuerdo:",
        "Das habe ich mir schon gemerkt:",
        "यह मुझे पहले से याद है:",
    ),
    FORGOTTEN: ("Esqueci isto:", "He olvidado esto:", "Das habe ich vergessen:", "मैं यह भूल गया:"),
    ALL_REMEMBERED: (
        "Isto é o que me lembro de si:",
        "Esto es lo que recuerdo de ti:",
        "Das habe ich mir von dir gemerkt:",
        "आपके बारे में मुझे यह याद है:",
    ),
    FROM_MEMORY: (
        "Nenhuma ferramenta responde a isso, mas lembro-me de conversas anteriores:",
        "Ninguna herramienta responde a eso, pero recuerdo de conversaciones anteriores:",
        "Kein Werkzeug antwortet darauf, aber aus früheren Gesprächen habe ich mir gemerkt:",
        "इसका उत्तर कोई उपकरण नहीं देता, पर पिछली बातचीत से मुझे याद है:",
    ),
    OF_ALL: ("E da sua organização:", "Y de tu organización:", "Und von eurer Organisation:", "और आपके संगठन के बारे में:"),
    OF_FILES: (
        "Não compreendo ficheiros, mas posso dizer o que contêm e como começam:",
        "No entiendo archivos, pero puedo decir qué contienen y cómo empiezan:",
        "Verstehen kann ich eine Datei nicht, aber sagen, was in ihr steht und wie sie beginnt:",
        "मैं फ़ाइल समझ नहीं सकता, पर बता सकता हूँ कि उसमें क्या है और वह कैसे शुरू होती है:",
    ),
    NOTHING_REMEMBERED: (
        "Não me lembro de nada sobre si.",
        "No recuerdo nada de ti.",
        "Ich habe mir nichts von dir gemerkt.",
        "मुझे आपके बारे में कुछ याद नहीं है।",
    ),
}
"""Sentences that the offline model says itself."""
