"""The passphrase of a shared evening."""

import pytest

from goldsets.labelling.access import ATTEMPTS, COOKIE_SECONDS, EVERYBODY, Gate, hashed, matches
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


def test_attempts_are_limited_by_address_and_in_all(gate):
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
