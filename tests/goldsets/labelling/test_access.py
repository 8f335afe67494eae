"""Who comes into a shared evening: by the passphrase, by signing in."""

import pytest

from goldsets.labelling import access
from goldsets.labelling.access import (
    ATTEMPTS,
    COOKIE_SECONDS,
    EVERYBODY,
    Gate,
    SignIn,
    Viewer,
    hashed,
    matches,
)
from retrieval.errors import Forbidden, InputError

RATERS, HOSTS = hashed("margherita please"), hashed("quattro stagioni")


@pytest.fixture
def gate():
    return Gate(RATERS, HOSTS, b"x" * 32)


def test_what_is_kept_is_not_the_passphrase():
    assert "margherita" not in RATERS
    assert hashed("margherita please") != RATERS  # a fresh salt
    assert matches("margherita please", RATERS)
    assert matches("  margherita please ", RATERS)
    assert not matches("Margherita please", RATERS)
    with pytest.raises(InputError):
        hashed("short")


def test_each_comes_in_as_what_they_are(gate):
    rater = gate.viewer(gate.enter("margherita please", "a"))
    host = gate.viewer(gate.enter("quattro stagioni", "a"))
    assert (rater.role, host.role) == ("rater", "host")
    assert rater.identity != host.identity != ""


def test_a_cookie_cannot_be_made_altered_or_kept_for_ever(gate):
    cookie = gate.cookie("rater", clock=1000.0)
    assert gate.viewer(cookie, clock=1000.0 + COOKIE_SECONDS - 1).role == "rater"
    assert gate.viewer(cookie, clock=1001.0 + COOKIE_SECONDS) is None
    _, rest = cookie.split(".", 1)
    assert gate.viewer(f"host.{rest}", clock=1000.0) is None
    assert Gate(RATERS, HOSTS, b"y" * 32).viewer(cookie, clock=1000.0) is None
    for bad in ("", ".", "...", "host", "host.x.9999999999.", "host.é.1.ü"):
        assert gate.viewer(bad) is None


def test_attempts_are_limited_by_address_and_in_all(monkeypatch):
    monkeypatch.setitem(access.COST, "n", 2)  # that a guess is dear is not the point here
    gate = Gate(hashed("margherita please"), hashed("quattro stagioni"), b"x" * 32)
    for i in range(ATTEMPTS):
        with pytest.raises(Forbidden, match="not the passphrase"):
            gate.enter(f"guess number {i}", "a", clock=10.0)
    with pytest.raises(Forbidden, match="wait"):
        gate.enter("margherita please", "a", clock=11.0)
    assert gate.enter("margherita please", "b", clock=11.0)
    assert gate.enter("margherita please", "a", clock=80.0)
    for i in range(EVERYBODY):
        with pytest.raises(Forbidden, match="not the passphrase"):
            gate.enter("nope nope", f"address {i}", clock=90.0)
    with pytest.raises(Forbidden, match="wait"):
        gate.enter("margherita please", "yet another", clock=90.0)


HANA = {
    "is_logged_in": True,
    "iss": "https://idp.example",
    "sub": "42",
    "iat": 1000,
    "email": "Hana@Example.org",
    "email_verified": True,
    "name": "Hana",
}


def seen(door=("hana@example.ORG",), clock=2000.0, **claims):
    return SignIn.of(door).viewer({**HANA, **claims}, clock)


def test_hosts_are_known_by_their_verified_e_mail_and_others_are_raters():
    assert seen() == Viewer("host", "https://idp.example 42", "Hana")
    assert seen(door=["a@b.c", "HANA@example.org"]).role == "host"
    assert seen(door=["a@b.c"]) == Viewer("rater", "https://idp.example 42", "Hana")
    for unverified in (False, "false", "no", None, 0, ""):
        assert seen(email_verified=unverified).role == "rater"
    assert seen(email_verified="true").role == "host"  # as some providers say it
    for other in (None, "", "hana@example.org ", "xhana@example.org", ["hana@example.org"]):
        assert seen(email=other).role == "rater"
    kelvin = "han\u212a@example.org"  # lowers to an ASCII k
    assert seen(door=["hank@example.org"], email=kelvin).role == "rater"


def test_a_provider_that_does_not_speak_of_verifying_is_taken_at_its_word():
    claims = {k: v for k, v in HANA.items() if k != "email_verified"}
    assert SignIn.of(["hana@example.org"]).viewer(claims, 2000.0).role == "host"


def test_nobody_is_seen_before_signing_in_without_an_identity_or_for_ever():
    assert SignIn.of(["a@b.c"]).viewer({}) is None
    for said in (False, None, 1, "true"):
        assert seen(is_logged_in=said) is None
    for missing in ("iss", "sub", "iat"):
        assert seen(**{missing: None}) is None
        assert seen(**{missing: ""}) is None
    assert seen(clock=1000 + COOKIE_SECONDS) is not None
    assert seen(clock=1001 + COOKIE_SECONDS) is None


def test_people_are_their_provider_and_subject_whatever_they_are_called():
    assert seen(email="x@y.z", name="Anna").identity == seen().identity
    others = [seen(sub="43"), seen(iss="https://other.example")]
    assert seen().identity not in {v.identity for v in others}
    assert seen(name=None).name == "Hana"  # the e-mail's first part
    assert seen(name=None, email=None).name == ""
    assert seen(name="Ha\x00na\u202e").name == "Hana"


def test_a_sign_in_needs_hosts():
    with pytest.raises(InputError, match="--host-email"):
        SignIn.of([])
    for bad in ("hana", "@b", "a@", "a b@c", "a|b@c", ""):
        with pytest.raises(InputError, match="not an e-mail"):
            SignIn.of(["a@b.c", bad])
