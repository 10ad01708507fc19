"""What the offline model knows of other languages: words of questions, months, its own sentences, names of figures."""

from typing import NamedTuple


class Page(NamedTuple):
    """One language: rows of `its words = English`, with _ for a space within; the months; a sentence a line; the names.

    Sentences stand in the order of `tongues.SAYINGS`, names in that of `tongues.LABELS`.
    """

    words: str
    months: str
    sentences: str
    labels: str


PAGES = {
    "pt": Page(
        """
        quantos quantas = how many
        quanto quanta = how much
        qual quais que o_que = what
        quem = who
        quando = when
        como = how
        onde = where
        clientes alunos sócios membros = clients
        treinadores instrutores professores = trainers
        aulas = classes
        receita faturamento faturação = revenue
        despesas gastos custos = expenses
        lucro = profit
        visitas = visits
        este_mês neste_mês = this month
        mês_passado no_mês_passado = last month
        esta_semana nesta_semana = this week
        semana_passada na_semana_passada = last week
        este_ano neste_ano = this year
        ano_passado no_ano_passado = last year
        hoje = today
        ontem = yesterday
        amanhã = tomorrow
        mostre mostra mostrar liste listar = list
        temos tem = do we have
        foi foram é são está estão = is
        veio vieram = came
        ativos ativas = active
        inativos inativas = inactive
        novos novas = new
        nosso nossa nossos nossas = our
        não = not
        sem = without
        em no na nos nas = in
        de do da dos das = of
        o a os as um uma = the
        e = and
        modo_escuro = dark mode
        modo_claro = light mode
        mude_para muda_para = switch to
        """,
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        """
*Respondido pelo modelo de demonstração do Frontdesk, que só compara palavras. Ligue um modelo real para conversas reais.*
Sou o modelo de demonstração, que só compara palavras, e não um modelo de linguagem.
Não compreendi {lost}, por isso não procurei nada para isso.
Para **{tool}** preciso de saber mais. Diga tudo numa só mensagem:
Não encontrei uma ferramenta para isso.
Não tenho ferramentas aqui.
Isto é o que posso fazer:
Não consigo desenhar gráficos aqui.
Em vez disso, esta é uma tabela.
Não posso desfazer o que foi feito. Diga o que deve ser mudado em vez disso.
""",
        "Clientes, Treinadores, Total, Ativos, Inativos, Novos este mês, Valor, Receita, Despesas, Lucro líquido, Filial",
    ),
    "es": Page(
        """
        cuántos cuántas cuantos cuantas = how many
        cuánto cuánta cuanto cuanta = how much
        cuál cuáles cual qué que = what
        quién quiénes quien = who
        cuándo = when
        cómo = how
        dónde = where
        clientes socios miembros = clients
        entrenadores instructores = trainers
        clases = classes
        ingresos facturación = revenue
        gastos costes costos = expenses
        beneficio ganancia ganancias = profit
        visitas = visits
        este_mes = this month
        mes_pasado el_mes_pasado = last month
        esta_semana = this week
        semana_pasada la_semana_pasada = last week
        este_año = this year
        año_pasado el_año_pasado = last year
        hoy = today
        ayer = yesterday
        mañana = tomorrow
        muestra muéstrame mostrar lista listar = list
        tenemos hay = do we have
        es son fue fueron está están = is
        vino vinieron = came
        activos activas = active
        inactivos inactivas = inactive
        nuevos nuevas = new
        nuestro nuestra nuestros nuestras = our
        no = not
        sin = without
        en = in
        de del = of
        el la los las un una = the
        y = and
        modo_oscuro = dark mode
        modo_claro = light mode
        cambia_a = switch to
        """,
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        """
*Respondido por el modelo de demostración de Frontdesk, que solo compara palabras. Conecta un modelo real para conversaciones reales.*
Soy el modelo de demostración, que solo compara palabras, y no un modelo de lenguaje.
No entendí {lost}, así que no busqué nada para eso.
Para **{tool}** necesito saber más. Dilo todo en un solo mensaje:
No encontré una herramienta para eso.
No tengo herramientas aquí.
Esto es lo que puedo hacer:
No puedo dibujar gráficos aquí.
En su lugar, esta es una tabla.
No puedo deshacer lo que se hizo. Di qué debe cambiarse en su lugar.
""",
        "Clientes, Entrenadores, Total, Activos, Inactivos, Nuevos este mes, Cifra, Ingresos, Gastos, Beneficio neto, Sucursal",
    ),
    "de": Page(
        """
        wie_viele wieviele = how many
        wie_viel wieviel = how much
        welche welcher welches was = what
        wer = who
        wann = when
        wie = how
        wo = where
        kunden kundinnen mitglieder = clients
        trainer trainerinnen = trainers
        kurse = classes
        umsatz umsätze einnahmen = revenue
        ausgaben kosten = expenses
        gewinn = profit
        besuche = visits
        diesen_monat diesem_monat dieser_monat = this month
        letzten_monat letzter_monat = last month
        diese_woche dieser_woche = this week
        letzte_woche letzter_woche = last week
        dieses_jahr diesem_jahr = this year
        letztes_jahr letzten_jahr = last year
        heute = today
        gestern = yesterday
        morgen = tomorrow
        zeige zeig liste = list
        haben_wir gibt_es = do we have
        ist sind war waren = is
        kam kamen = came
        aktive aktiv = active
        inaktive inaktiv = inactive
        neue neu = new
        unsere unser unseren = our
        wir = we
        nicht kein keine = not
        ohne = without
        im in = in
        von vom = of
        der die das den dem ein eine = the
        und = and
        alle = all
        dunkelmodus dunkler_modus dunklen_modus = dark mode
        heller_modus hellen_modus = light mode
        wechsle_zu wechsle_in = switch to
        """,
        "januar februar märz april mai juni juli august september oktober november dezember",
        """
*Beantwortet vom eingebauten Demomodell von Frontdesk, das nur Wörter vergleicht. Ein echtes Modell macht echte Gespräche daraus.*
Ich bin das eingebaute Demomodell, das nur Wörter vergleicht, und kein Sprachmodell.
Ich habe {lost} nicht verstanden und dafür nichts nachgesehen.
Für **{tool}** muss ich mehr wissen. Bitte sag es in einer Nachricht:
Dafür habe ich kein Werkzeug gefunden.
Ich habe hier keine Werkzeuge.
Das kann ich:
Diagramme kann ich hier nicht zeichnen.
Dies ist stattdessen eine Tabelle.
Was getan ist, kann ich nicht zurücknehmen. Bitte sag, was stattdessen geändert werden soll.
""",
        "Kunden, Trainer, Gesamt, Aktiv, Inaktiv, Neu in diesem Monat, Zahl, Umsatz, Ausgaben, Reingewinn, Filiale",
    ),
    "hi": Page(
        """
        कितने कितनी = how many
        कितना = how much
        क्या कौन_सा = what
        कौन = who
        कब = when
        कैसे = how
        ग्राहक ग्राहकों सदस्य सदस्यों = clients
        प्रशिक्षक प्रशिक्षकों ट्रेनर = trainers
        कक्षाएँ कक्षाएं = classes
        आय आमदनी कमाई राजस्व = revenue
        खर्च खर्चे व्यय = expenses
        लाभ मुनाफा मुनाफ़ा = profit
        इस_महीने = this month
        पिछले_महीने = last month
        इस_हफ्ते इस_सप्ताह = this week
        पिछले_हफ्ते पिछले_सप्ताह = last week
        इस_साल = this year
        पिछले_साल = last year
        आज = today
        दिखाओ दिखाएँ दिखाइए = list
        हमारे हमारी हमारा = our
        हैं है थी था थे = is
        सक्रिय = active
        निष्क्रिय = inactive
        नए नये = new
        नहीं = not
        में = in
        का की के = of
        और = and
        """,
        "जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
        """
*यह उत्तर Frontdesk के डेमो मॉडल का है, जो केवल शब्द मिलाता है। असली बातचीत के लिए असली मॉडल जोड़ें।*
मैं डेमो मॉडल हूँ, जो केवल शब्द मिलाता है, भाषा मॉडल नहीं।
मैं {lost} नहीं समझा, इसलिए उसके लिए कुछ नहीं देखा।
**{tool}** के लिए मुझे और जानना है। कृपया सब एक संदेश में लिखें:
इसके लिए मुझे कोई उपकरण नहीं मिला।
यहाँ मेरे पास कोई उपकरण नहीं है।
मैं यह कर सकता हूँ:
मैं यहाँ चार्ट नहीं बना सकता।
उसकी जगह यह एक तालिका है।
जो हो चुका है उसे मैं वापस नहीं ले सकता। कृपया बताएँ कि क्या बदलना है।
""",
        "ग्राहक, प्रशिक्षक, कुल, सक्रिय, निष्क्रिय, इस महीने नए, आँकड़ा, आय, खर्च, शुद्ध लाभ, शाखा",
    ),
}
