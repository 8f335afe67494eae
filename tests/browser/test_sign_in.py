"""A server shared by signing in: nothing before it, then what the role allows, no secret kept."""

import secrets
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from goldsets.store import evenings, labels
from tests.browser.conftest import await_server, free_port, settled, shot
from tests.browser.identity import CLIENT, Provider, providing
from tests.browser.test_label import PARTS, evening_of, press, saved
from tests.browser.test_share import pizza, status

PEOPLE = {
    "1": {"name": "Ann Lee", "email": "ann@example.org", "email_verified": True},
    "2": {"name": "Hana", "email": "Hana@Example.org", "email_verified": True},
    "3": {"name": "Mallory", "email": "hana@example.org", "email_verified": False},
}
SIGN_IN = "Sign in · 로그인"


@pytest.fixture
def idp():
    with providing(PEOPLE) as provider:
        yield provider


@pytest.fixture
def night(tmp_path):
    return evening_of(tmp_path, parts=(PARTS[0], PARTS[1]))


def secrets_file(folder, idp: Provider, port: int):
    path, cookie = folder / "idp.toml", secrets.token_hex()
    path.write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
        f'cookie_secret = "{cookie}"\nclient_id = "{CLIENT}"\nclient_secret = "{idp.secret}"\n'
        f'server_metadata_url = "{idp.issuer}/.well-known/openid-configuration"\n'
    )
    return path, cookie


@contextmanager
def shared(folder, workspace, idp: Provider):
    """Share by signing in; afterwards look for secrets in what was said and what was kept."""
    port = free_port()
    path, cookie = secrets_file(folder, idp, port)
    process = pizza(
        *("--share", "--sign-in", "--secrets", str(path), "--host-email", "hana@example.org"),
        *("--port", str(port), "--workspace", str(workspace.path)),
    )
    try:
        await_server(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        said, _ = process.communicate()
    assert f"Raters: http://127.0.0.1:{port} and sign in" in said
    kept = [p.read_bytes() for p in workspace.path.rglob("*") if p.is_file()]
    for secret in (cookie, idp.secret, *idp.issued):
        assert secret not in said
        assert not any(secret.encode() in k for k in kept)


def sign_in(browser: Browser, address: str, name: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(address)
    page.get_by_role("button", name=SIGN_IN).click()
    page.get_by_role("link", name=name).click()
    page.wait_for_url(f"{address}/**")
    settled(page)
    return page


def closed(page: Page) -> None:
    """Nothing is on the page but the way in."""
    expect(page.get_by_role("button", name=SIGN_IN)).to_be_visible()
    settled(page)
    said = " ".join(page.locator("[data-testid=stMain]").inner_text().split())
    assert said == (  # the first word of each line that has an icon is the icon's
        f"local_pizza Pizza Night Sign in to take part. 참여하려면 로그인하세요. login {SIGN_IN}"
    )
    assert page.locator("[data-testid=stSidebar]").count() == 0


def test_who_signs_in_is_themselves_and_hosts_are_known_by_their_verified_e_mail(
    tmp_path, night, idp, browser: Browser
):
    workspace, evening = night
    evenings.join(workspace, evening, "Hana", identity=f"{idp.issuer} 2")  # a rater the last time
    with shared(tmp_path, workspace, idp) as address:
        assert status(f"{address}/", Host="evil.example", Accept="text/html") == 403
        assert status(f"{address}/oauth2callback?code=x&state=y") == 200  # back to the button

        nobody = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        nobody.goto(f"{address}/label?evening=friday&rater=Host")
        closed(nobody)
        shot(nobody, "sign-in")

        ann = sign_in(browser, address, "Ann Lee")
        expect(ann.get_by_label("Your name")).to_have_value("Ann Lee")
        ann.get_by_role("button", name="Join").click()
        expect(ann.get_by_text("Queries done")).to_be_visible()
        assert "Sweep" not in ann.locator("[data-testid=stSidebar]").inner_text()
        shot(ann, "signed-in")
        ann.goto(f"{address}/label?evening=friday&rater=Host")  # a name in the URL is not asked
        expect(ann.locator(".desk .grade").first).to_be_visible()
        press(ann, "3", "Enter")
        saved(ann, 1)
        ann.reload()
        expect(ann.locator(".desk .grade").first).to_be_visible()
        press(ann, "0", "0")
        expect(ann.get_by_text("Nothing is left for you right now")).to_be_visible()

        mallory = sign_in(browser, address, "Mallory")
        mallory.goto(f"{address}/sweep")
        expect(mallory.get_by_text("Sweep is the host's")).to_be_visible()
        mallory.goto(f"{address}/label?evening=friday&rater=Ann%20Lee")
        expect(mallory.get_by_label("Your name")).to_have_value("Mallory")
        mallory.get_by_label("Your name").fill("Ann Lee")
        mallory.keyboard.press("Enter")
        expect(mallory.get_by_text("is taken tonight")).to_be_visible()

        hana = sign_in(browser, address, "Hana")
        hana.goto(f"{address}/sweep")
        expect(hana.get_by_role("heading", name="Sweep")).to_be_visible()
        settled(hana)
        hana.goto(f"{address}/pizza_night?evening=friday&view=settings")
        expect(hana.get_by_role("button", name="Close the evening")).to_be_visible()

        ann.get_by_role("button", name="Sign out").click()
        closed(ann)
        ann.goto(f"{address}/label?evening=friday&rater=Ann%20Lee")
        closed(ann)
        for page in (nobody, ann, mallory, hana):
            page.context.close()

    people = {m.id: m for m in evenings.members(workspace, evening)}
    assert {m.name for m in people.values()} == {"Host", "Hana", "Ann Lee"}
    assert [people[x.rater].name for x in labels.labels(workspace, evening)] == ["Ann Lee"] * 2
    (member,) = (m for m in people.values() if m.name == "Ann Lee")
    assert evenings.of_identity(workspace, evening, f"{idp.issuer} 1") == member
