"""`pizza serve --sign-in`: what it takes, and the one sentence where something is missing."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldsets import serve, sign_in
from goldsets.cli import app

COOKIE, CLIENT = "c" * 40, "the-client-secret"
AUTH = {
    "redirect_uri": '"http://pizza.local:{port}/oauth2callback"',
    "cookie_secret": f'"{COOKIE}"',
    "client_id": '"pizza"',
    "client_secret": f'"{CLIENT}"',
    "server_metadata_url": '"https://idp.example/.well-known/openid-configuration"',
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home and a repository without secrets; what would be started is kept in `home.started`."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(serve, "ROOT", tmp_path / "repository")
    monkeypatch.delenv("PIZZA_PASSPHRASE", raising=False)
    return tmp_path


def section(**changes: str | None) -> str:
    held = {k: v for k, v in {**AUTH, **changes}.items() if v is not None}
    return "[auth]\n" + "".join(f"{k} = {v}\n" for k, v in held.items())


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def start(monkeypatch, *arguments: str | Path):
    """Return what serving came to: what it said, the command, the environment."""
    ran = []
    monkeypatch.setattr(serve, "run", lambda parts, extra: ran.append((parts, extra)))
    result = CliRunner().invoke(app, ["serve", *map(str, arguments)])
    return result, *(ran[0] if ran else ([], {}))


def refused(monkeypatch, *arguments: str | Path) -> str:
    result, parts, _ = start(monkeypatch, *arguments)
    assert (result.exit_code, result.stdout, parts) == (2, "", []), result.output
    (line,) = result.stderr.splitlines()
    assert COOKIE not in line
    assert CLIENT not in line
    return line


SHARE = ("--share", "--sign-in", "--host-email", "Hana@example.org")


def test_it_starts_with_the_secrets_in_a_usual_place_or_where_it_is_told(home, monkeypatch):
    mine = written(home / "home/.streamlit/secrets.toml", section())
    result, parts, told = start(monkeypatch, *SHARE, "--port", "8600", "--host", "Pizza.Example")
    assert result.stdout.splitlines() == [
        "Raters: http://pizza.local:8600 and sign in",
        "Hosts:  the same, as Hana@example.org",
    ]
    assert f"--secrets.files={mine}" in parts
    assert "--server.address=0.0.0.0" in parts
    assert told["PIZZA_GATE"] == "sign-in|Hana@example.org"
    assert {"pizza.example", "pizza.local"} <= set(told["PIZZA_HOSTS"].split(","))
    assert COOKIE not in f"{parts}{told}"

    theirs = written(home / "repository/.streamlit/secrets.toml", section())
    assert f"--secrets.files={theirs}" in start(monkeypatch, *SHARE)[1]
    given = written(home / "given.toml", section())
    assert f"--secrets.files={given}" in start(monkeypatch, *SHARE, "--secrets", given)[1]


def test_without_a_section_it_says_where_one_is_looked_for(home, monkeypatch):
    said = refused(monkeypatch, *SHARE)
    assert "[auth]" in said
    assert str(home / "home/.streamlit/secrets.toml") in said
    assert str(home / "repository/.streamlit/secrets.toml") in said
    given = written(home / "given.toml", "auth = 3\n[other]\nx = 1\n")
    assert f"[auth] in {given}" in refused(monkeypatch, *SHARE, "--secrets", given)
    assert "cannot be read" in refused(monkeypatch, *SHARE, "--secrets", home / "none.toml")
    assert ".toml" in refused(monkeypatch, *SHARE, "--secrets", home / "secrets.ini")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"[auth]\ncookie_secret = {COOKIE}", "is not TOML"),
        (section(cookie_secret=None), "lacks cookie_secret"),
        (section(client_secret=None, client_id=None), "lacks client_id, client_secret"),
        (section(redirect_uri='"http://pizza.local:8501/"'), "redirect_uri"),
        (section(redirect_uri='"pizza.local/oauth2callback"'), "redirect_uri"),
        (section(cookie_secret='"short"'), "needs 32 characters or more"),
        (section() + "[auth.my_idp]\nclient_id = 'x'", "without underscore"),
    ],
)
def test_a_section_that_cannot_be_used_is_refused(home, monkeypatch, text, said):
    assert said in refused(monkeypatch, *SHARE, "--secrets", written(home / "s.toml", text))


def test_providers_have_names_or_there_is_one_without():
    one = {"client_id": "x", "client_kwargs": {"prompt": "login"}}
    assert list(sign_in.providers(one)) == ["default"]
    both = {"google": {"client_id": "a"}, "okta": {"client_id": "b"}}
    assert list(sign_in.providers(both)) == ["google", "okta"]
    assert list(sign_in.providers({**one, **both})) == ["default", "google", "okta"]
    assert list(sign_in.providers({})) == ["default"]


def test_without_the_extra_it_says_how_to_install_it(home, monkeypatch):
    monkeypatch.setattr(sign_in, "find_spec", lambda name: None if name == "authlib" else name)
    written(home / "home/.streamlit/secrets.toml", section())
    assert 'pip install -e ".[auth]"' in refused(monkeypatch, *SHARE)


def test_it_takes_a_host_and_a_shared_server(home, monkeypatch):
    written(home / "home/.streamlit/secrets.toml", section())
    assert "--host-email" in refused(monkeypatch, "--share", "--sign-in")
    assert "not an e-mail" in refused(monkeypatch, "--share", "--sign-in", "--host-email", "hana")
    assert "goes with --share" in refused(monkeypatch, "--sign-in", "--host-email", "a@b.c")
    assert "with --sign-in" in refused(monkeypatch, "--share", "--host-email", "a@b.c")


def test_sharing_without_either_names_both_ways(home, monkeypatch):
    said = refused(monkeypatch, "--share")
    assert "passphrase" in said
    assert "--sign-in" in said
