"""Who asks. The credential shows itself nowhere."""

import copy
import json
import pickle

import orjson
import pytest

from agent.principal import Credential, Principal

TOKEN = "eyJ.SECRET-TOKEN.x"


def test_a_credential_shows_itself_nowhere() -> None:
    credential = Credential(TOKEN)
    principal = Principal("acme", "ann", credential=credential)
    shown = [repr(credential), str(credential), f"{credential}", f"{credential!r:>5}", repr(principal), str(principal)]
    assert all("SECRET-TOKEN" not in text for text in shown)
    assert credential.reveal() == TOKEN


@pytest.mark.parametrize("serialize", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, orjson.dumps])
def test_a_credential_refuses_to_be_serialized(serialize: object) -> None:
    assert callable(serialize)
    with pytest.raises(TypeError) as refused:
        serialize(Credential(TOKEN))
    assert "SECRET-TOKEN" not in str(refused.value)


def test_a_credential_has_no_attributes_to_be_dumped_by_accident() -> None:
    assert not hasattr(Credential(TOKEN), "__dict__")


def test_two_principals_are_the_same_person_whatever_their_tokens() -> None:
    assert Principal("acme", "ann", credential=Credential("1")) == Principal("acme", "ann", credential=Credential("2"))
    assert Principal("acme", "ann") != Principal("rival", "ann")
