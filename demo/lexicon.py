"""The word tables of the offline model: general business English, nothing about one business."""

import re


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


SYNONYMS: tuple[str, ...] = (
    "client customer member guest patient shopper buyer",
    "person people",
    "new joined signed",
    "revenue income turnover earning earned earn profit money taking",
    "sale sell sold",
    "expense cost spend spending spent",
    "trainer coach instructor teacher",
    "staff employee team worker colleague",
    "enquiry inquiry lead prospect",
    "attendance attend attended came come visit visitor visited checkin attendee",
    "expire expiry expiration renew renewal ending ends ended lapse",
    "membership subscription",
    "class lesson course workshop",
    "branch location outlet",
    "order purchase",
    "product article item",
    "stock inventory",
    "invoice bill",
    "payment pay paid",
    "appointment booking reservation",
    "schedule timetable calendar",
    "profile about info information contact address",
    "statistic stats stat overview summary kpi",
    "theme mode appearance",
    "accent colour color tint",
    "page screen tab",
    "setting preference configuration option",
    "dashboard home homepage",
    "create add register",
    "delete remove erase",
    "update edit modify",
    "freeze pause suspend hold frozen",
    "gray grey",
)
"""Words that mean the same; the first stands for all. A word stands in one row only."""

NEAR: tuple[str, ...] = ("revenue sale", "person client staff trainer")
"""Concepts near to the first of their row, both ways, so that one may be told for the other: half as good as itself."""

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"

PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"\bcheck(?:ed)?[- ]?ins?\b", "checkin"),
        (
            r"\bhow(?:['’]?s| is| are| was| has| have) (?:the |our |my )?(?:business|we|things|it)\b(?: (?:doing|going|been))?",
            "how is revenue",
        ),
        (r"\be-mail", "email"),
        (r"\bnight (?=mode|theme)", "dark "),
        (r"\bday (?=mode|theme)", "light "),
        (r"\brun(?:ning|s)? out\b", "expiring"),
        (r"\b(?:current|present) (?=day|week|month|quarter|year)", "this "),
        (r"\b(?:previous|past|prior) (?=day|week|month|quarter|year)", "last "),
        (r"\b(year|month) to date\b", r"this \1"),
        (r"\bbetween ([\w.-]{1,12}(?: [\w.-]{1,12})?) and (?=\w)", r"from \1 to "),
        (rf"\b({_MONTH}) (?:a|the) (?={_MONTH}\b)", r"\1 to "),  # "de maio a julho"
        (r"\bvs\.", "vs"),
        (r"\bno\.? (?=\d)", "number "),
        (r"\bwho(?:['’]s| is) (?=[^\W\da-z])", "person "),
        (r"\b(?:to|in|at) (?:the|our|my) (?:gym|studio|club|shop|store|office|company|clinic|school)\b", ""),
    )
)
"""Idioms, replaced before anything else looks at the words."""

STOP = _set(
    "a an the and or but of for to in on at by with from as is are was were be been am do does did has have had "
    "having i me my we our us you your it its he she his her him they them their this that these those there here "
    "what which who whom whose when where why how many much some any all every each please can could would will "
    "should shall may let s t d ll re ve m if no yes so than then now just also about tell give want need "
    "like see know get got make made show display view look find search fetch list go going take bring into up "
    "out over vs versus compared compare only more most very still one ones other another put use using turn "
    "switch change set hi hello hey thanks thank ok okay let s us look currently right moment return returns "
    "given using optional"
)
"""Words without a subject of their own."""

MISSED = _set(
    "he she his her hers him they them those no not never without except excluding same before other others another"
)
"""Words that change what is asked, and that no tool is told of: a question that has one is not answered."""

CALLED = _set("named called")
"""Words that say of a name that it is one."""

PAST = _set("expired ended lapsed")
"""Words for what is over, which is not what will be over: only a tool that says so itself is about it."""

TIMES = _set("today yesterday tomorrow day week month quarter year last next")
FILLERS = _set(
    "total number count recent latest current top best first statistic create page name id status value period soon "
    "figure data business work time thing person date report altogether exactly overall roughly far least detail help"
)
STATES = _set("new open closed active inactive dark light")
"""Words that refine a choice of tool but never justify one alone: times, and what is left out without a loss, and the
states that a tool must know if they are asked for."""

SAYS_NOTHING = _set(
    "a as do no in die was war trainer me so am april august september november o e y "
    "de da das dos del der den dem von el la los las"
)
"""Words of other languages that are English ones as well, or stand in names: they say nothing of which language it is."""

POLITE = _set(
    "please can could would will you i want need to like d ll let s us now and then also hey hi hello ok okay "
    "just kindly lets so well"
)

SAID_AS = {
    "interest": r"(?:wants|would like|is looking for|asks (?:for|about)|asked (?:for|about)|is interested in)(?: to (?:try|join|book))?"
}
"""Words that say the same as the name of a parameter, by its concept: "wants a trial class"."""

LIST_VERBS = _set("list show which who whose display give view see name find search look")
PAGE_VERBS = _set("open go navigate jump head")
CHANGE_VERBS = _set("switch change set make use turn enable activate toggle apply select pick put choose")
READ_VERBS = _set("get list find search show fetch read lookup count retrieve query view describe")
CREATE_VERBS = _set("create add register")
WRITE_VERBS = CREATE_VERBS | _set(
    "update edit modify change set delete remove cancel freeze unfreeze pause resume suspend send book assign "
    "record charge refund pay issue mark move archive restore approve reject invite import close reopen renew "
    "extend upsert insert save submit post put patch confirm transfer merge adjust reschedule convert start stop checkin checkout "
    "enable disable block unblock place apply schedule write make"
)
VERB_GROUPS: tuple[frozenset[str], ...] = (
    _set("create add register record log file"),
    _set("update edit modify change set correct mark"),
    _set("delete remove erase drop"),
    _set("freeze pause suspend hold"),
    _set("unfreeze resume reactivate"),
)
"""Imperatives that ask for the same kind of change."""

ORDERS = _set(
    "delete remove cancel erase freeze unfreeze pause suspend refund archive reject block create add register "
    "update edit modify send checkin"
)
"""Imperatives that never ask for data: without a tool for them, nothing is looked up instead."""

ACTION_VERBS = _set("change switch set toggle navigate open go show select choose apply use")

PERIOD_DAYS = {"day": 1, "week": 7, "fortnight": 14, "month": 30, "quarter": 90, "year": 365}
UNIT_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBER_WORDS = {"a": 1, "an": 1} | {word: number for number, word in enumerate(_COUNTED, start=1)}

CALENDAR = _set(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december today tomorrow"
)

MONEY = _set(
    "income revenue expense expenses profit net gross amount price paid balance cost costs fee turnover earnings spent"
)
NO_MONEY = _set("percent percentage rate count number id share quantity days")
"""Words in the name of a figure that say whether it is an amount of money."""

NAME_LIKE = _set("name search query q text term keyword customer client person who")
"""Words in the name of a parameter that takes somebody's or something's name."""
