"""Time zones and language tags as clients may send them."""

from datetime import UTC, datetime

import pytest
from support.each import each

from agent.prompt.words import facts_of, with_facts, without_facts
from agent.region import Region, checked_locale, checked_zone, languages_of

NOW = datetime(2026, 3, 12, 23, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["UTC", "GMT", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+3", "Asia/Calcutta", "EST5EDT"]
)
def test_zones_of_the_database_pass_as_they_are(name: str) -> None:
    assert checked_zone(name) == name


@each(
    "name",
    [
        *(
            "",
            " ",
            "Europe",
            "Europe/",
            "Berlin",
            "Europe/Nowhere",
            "+01:00",
            "UTC+1",
            "Etc/Unknown",
            "Factory",
            "localtime",
        ),
        *(
            "posix/Europe/Berlin",
            "right/Europe/Berlin",
            "../../etc/passwd",
            "/etc/localtime",
            "Europe/../Europe/Berlin",
        ),
        *(
            "tzdata.zi",
            "zone.tab",
            "Europe/Berlin\n",
            "Europe/Berlin\x00",
            "Europe\\Berlin",
            "Ｅurope/Berlin",
            "\ud800",
        ),
    ],
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        checked_zone(name)


@each(
    ("tag", "usual"),
    [
        ("de", "de"),
        ("DE-at", "de-AT"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("sl-IT-nedis", "sl-IT-nedis"),
        ("de-CH-1901", "de-CH-1901"),
        ("en-US-u-hc-h23-nu-latn", "en-US-u-hc-h23-nu-latn"),
        ("ar-EG-u-nu-latn-x-ours", "ar-EG-u-nu-latn-x-ours"),
        ("zh-cmn-Hans-CN", "zh-cmn-Hans-CN"),
    ],
)
def test_well_formed_tags_pass_in_their_usual_letters(tag: str, usual: str) -> None:
    assert checked_locale(tag) == usual
    assert checked_locale(usual) == usual


@each(
    "tag",
    [
        *(
            "",
            "d",
            "de_AT",
            "en-US@posix",
            "C.UTF-8",
            "*",
            "de-",
            "-de",
            "de--AT",
            "de-AT-",
            "x-ours",
            "i-klingon",
            "de,en",
        ),
        *(
            "de;q=1",
            "de-1901-1901",
            "en-a-bbb-a-ccc",
            "en-u",
            "dé",
            "de\n",
            "de\x00",
            "englishlanguage",
            "en-USAX1-US",
            "ſl",
        ),
    ],
)
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="BCP 47"):
        checked_locale(tag)


def test_a_tag_is_followed_by_what_is_more_general() -> None:
    assert languages_of("zh-Hant-TW") == ["zh-hant-tw", "zh-hant", "zh"]
    assert languages_of("de-AT-u-co-phonebk") == ["de-at-u-co-phonebk", "de-at-u-co", "de-at", "de"]
    assert languages_of(None) == []


def test_what_one_leaves_open_the_next_one_says() -> None:
    assert Region("Asia/Tokyo").over(Region("Europe/Berlin", "de")) == Region("Asia/Tokyo", "de")
    assert Region().over(Region()) == Region()


def test_a_zone_that_this_machine_does_not_know_any_more_is_utc() -> None:
    assert Region("Mars/Olympus").now().utcoffset() == NOW.utcoffset()


def test_the_model_is_told_the_users_own_time() -> None:
    told = with_facts("who came today?", now=NOW, page=None, region=Region("Asia/Kolkata", "hi-IN"))
    assert facts_of(told) == {
        "now": "Friday, 2026-03-13 04:35 UTC+05:30",
        "time_zone": "Asia/Kolkata",
        "locale": "hi-IN",
    }
    assert without_facts(told) == "who came today?"


def test_without_a_region_the_model_is_told_utc() -> None:
    told = with_facts("who came today?", now=NOW, page=None)
    assert facts_of(told) == {"now": "Thursday, 2026-03-12 23:05 UTC"}
    assert facts_of("who came today?") == {}
    assert facts_of("hi\n\n[Given by the application, not by the user: nonsense]") == {}
