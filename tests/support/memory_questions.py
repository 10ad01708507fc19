"""A hundred questions in ten languages, each with the fact that it wants: seven of each language share a word of content with it,
in the same or another form, and three share none."""

from typing import NamedTuple

PER_LANGUAGE = 10
SHARING = 7
"""Of a language's lines, the first ones."""
LINES = """
# English
My trainer is called Sandra. | Who is my trainer?
I prefer invoices as PDF by e-mail. | How do I get my invoice?
Our studio closes at 22:00 on weekdays. | When does the studio close?
I am allergic to peanuts. | Which allergies should the kitchen know of?
Reports should be grouped by branch. | Make me the monthly report, please
My membership number is AB-2291. | What was my membership number again?
I want figures in euros, not dollars. | Show me the figures of last week
I live in Leeds. | What is the weather in my town?
My daughter was born in May. | When is my kid's birthday?
Call me Bob. | What is my name?
# German
Mein Hund heißt Rocky. | Wie heißt mein Hund?
Rechnungen gehen immer an die Buchhaltung in Köln. | Wohin schicke ich diese Rechnung?
Ich trainiere dienstags und donnerstags. | An welchen Tagen trainiere ich?
Termine bitte nie vor neun Uhr. | Mach mir einen Termin am Montag
Ich mag kurze Antworten. | Wie lang soll die Antwort sein?
Unser Steuerberater ist Herr Yılmaz. | Wer ist unser Steuerberater?
Die Filiale in Graz hat samstags geschlossen. | Kann ich am Samstag in die Filiale nach Graz?
Ich wohne in Wien. | In welcher Stadt lebe ich?
Meine Frau kommt aus Peru. | Welche Sprache spricht meine Partnerin?
Bitte immer duzen. | Wie soll man mich ansprechen?
# French
Mon médecin s'appelle Docteur Morel. | Comment s'appelle mon médecin ?
Je préfère les rapports en tableau. | Fais-moi un rapport des ventes
Le code du portail est 4711. | Quel est le code du portail ?
Ma fille Léa est née en avril. | Quand est née ma fille ?
Les livraisons arrivent le mercredi matin. | Quand arrive la prochaine livraison ?
Notre fournisseur de café est Malongo. | Chez quel fournisseur achetons-nous le café ?
Je suis végétarien. | Propose un menu végétarienne pour ce soir
J'habite à Lyon. | Dans quelle ville est-ce que je vis ?
Mon anniversaire est le 3 mars. | Quel âge aurai-je bientôt ?
Tutoie-moi. | Comment dois-tu me parler ?
# Spanish
Mi gimnasio favorito está en la calle Mayor. | ¿En qué calle está mi gimnasio?
Las facturas se pagan a treinta días. | ¿Cuándo se paga esta factura?
Mi entrenador es Julián. | ¿Cómo se llama mi entrenador?
Soy alérgica a la lactosa. | ¿A qué soy alérgica?
El almacén cierra los viernes a las tres. | ¿A qué hora cierra el almacén?
Prefiero los gráficos en color verde. | Haz un gráfico de ventas
Mi hermana Lucía vive en Bilbao. | ¿Dónde vive mi hermana?
Tengo dos hijos. | ¿Cuántos niños hay en casa?
Nací en 1984. | ¿Qué edad tengo?
Trátame de usted. | ¿Cómo debes hablarme?
# Portuguese
O meu carro é um Fiat azul. | De que cor é o meu carro?
As aulas de ioga são às segundas. | Quando é a aula de ioga?
O contrato termina em dezembro. | Quando termina o contrato?
Prefiro pagamentos por transferência. | Como faço o pagamento?
A minha professora chama-se Inês. | Como se chama a minha professora?
Os pedidos acima de mil euros precisam de aprovação. | Este pedido precisa de aprovação?
Gosto de relatórios curtos. | Escreve o relatório da semana
Moro no Porto. | Em que cidade vivo?
Não como carne. | O que posso jantar hoje?
Chama-me Zé. | Qual é o meu nome?
# Italian
Il mio gatto si chiama Birba. | Come si chiama il mio gatto?
Le fatture vanno inviate entro il giorno cinque. | Entro quando invio la fattura?
Il magazzino di Torino apre alle sette. | A che ora apre il magazzino?
Preferisco le riunioni al mattino. | Organizza una riunione con il team
Il fornitore di carta è Fabriano. | Chi è il nostro fornitore di carta?
Sono intollerante al glutine. | Cosa devo evitare perché sono intollerante?
La mia palestra è vicino alla stazione. | Dov'è la mia palestra?
Abito a Bologna. | In quale città vivo?
Mio figlio ha sei anni. | Quanti bambini ho?
Dammi del tu. | Come devi rivolgerti a me?
# Russian
Мою собаку зовут Жучка. | Как зовут мою собаку?
Счета отправляем в бухгалтерию Ольге. | Кому отправить счёт в бухгалтерию?
Тренировка у меня по средам. | Когда у меня тренировки?
Склад в Казани закрыт по воскресеньям. | Когда закрыт склад?
Я люблю короткие ответы. | Ответь коротко, какой план?
Мой тренер — Антон. | Кто мой тренер?
Пароль от ворот знает охранник Пётр. | Кто из охранников знает про ворота?
Я живу в Перми. | В каком городе мой дом?
У меня двое детей. | Сколько лет сыну?
Обращайся ко мне на ты. | Как меня называть?
# Hindi
मेरे कुत्ते का नाम शेरू है। | मेरे कुत्ते को क्या कहते हैं?
मेरा प्रशिक्षक राहुल है। | मेरा प्रशिक्षक कौन है?
बिल हर महीने की पाँच तारीख को जाता है। | बिल किस तारीख को जाता है?
मुझे दूध से एलर्जी है। | मुझे किस चीज़ से एलर्जी है?
गोदाम रविवार को बंद रहता है। | गोदाम कब बंद होता है?
मैं छोटी रिपोर्ट पसंद करता हूँ। | हफ्ते की रिपोर्ट बनाओ
मेरी बहन पुणे में रहती है। | मेरी बहन कहाँ है?
मैं शाकाहारी हूँ। | आज खाने में क्या लूँ?
मेरा जन्म मई में हुआ। | मेरी उम्र कितनी है?
मुझे आप कहकर बुलाओ। | मुझसे कैसे बात करोगे?
# Japanese
私の犬の名前はポチです。 | 犬の名前は何ですか?
請求書は経理の田中さんに送ります。 | 請求書は誰に送りますか?
トレーニングは火曜日と木曜日です。 | トレーニングは何曜日ですか?
倉庫は日曜日に閉まります。 | 倉庫はいつ閉まりますか?
ピーナッツアレルギーがあります。 | 私のアレルギーを教えて
レポートは表でください。 | 今月のレポートを作って
担当の医者は佐藤先生です。 | 医者は誰ですか?
大阪に住んでいます。 | 私の町の天気は?
肉を食べません。 | 夕飯のおすすめは?
敬語はいりません。 | どう話せばいい?
# Chinese
我的狗叫旺财。 | 我的狗叫什么名字?
发票要寄给财务部的王丽。 | 发票寄给谁?
我每周二和周四训练。 | 我什么时候训练?
仓库星期天不开门。 | 仓库哪天不开门?
我对花生过敏。 | 我对什么过敏?
报告请用表格。 | 做一份本月报告
我的教练是李强。 | 谁是我的教练?
我住在成都。 | 我所在城市的天气怎么样?
我不吃肉。 | 晚饭推荐什么?
叫我小明就好。 | 怎么称呼我?
"""


class Wanted(NamedTuple):
    """A question, and the fact that it wants; `shares` says whether they have a word of content in common."""

    language: str
    fact: str
    question: str
    shares: bool


def _read() -> list[Wanted]:
    found: list[Wanted] = []
    language = ""
    for line in LINES.strip().splitlines():
        if line.startswith("# "):
            language = line.removeprefix("# ")
            continue
        fact, question = line.split(" | ")
        before = sum(one.language == language for one in found)
        found.append(Wanted(language, fact, question, before < SHARING))
    return found


EVERY = _read()
OTHERS = [
    *(
        f"{name} is responsible for branch {number}."
        for number, name in enumerate(("Ann", "Ben", "Cleo", "Dan", "Eve"), 1)
    ),
    *(f"The meeting room on floor {floor} has {8 + floor} chairs." for floor in range(1, 16)),
    *(f"I read the newsletter of {month}." for month in ("January", "March", "June", "August", "October")),
    "The studio has a sauna.",
    "Meine Kollegin Petra mag lange Berichte.",
    "Las facturas antiguas están en el archivo.",
    "Les rapports annuels sont faits par Anne.",
    "O armazém fica longe.",
    "Счета за воду платит Иван.",
    "社員は二十人です。",
    "我们公司有二十个人。",
]
"""Facts that the same user has remembered beside the wanted ones, some of them near to a question."""
