"""What is set up to reach each provider, and what its models cost, in words."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import fields
from importlib.metadata import version

from retrieval.cost import FILE, Price, Usage, price_of
from retrieval.errors import InputError
from retrieval.providers.check import PROVIDERS, Provider, kind
from retrieval.providers.vendor import Vendor, installed

Fact = tuple[bool, str]
"""Whether something is as it should be, and what it is; names stand in backticks."""
AMOUNTS = {
    "input": "Input",
    "output": "Output",
    "cache_write": "Cache write",
    "cache_read": "Cache read",
    "searches": "A search",
}
UNKNOWN = "unknown"


def facts(provider: Provider, secrets: Container[str] = ()) -> Iterator[Fact]:
    """Say of a provider whether its keys and packages are here, with the fix where they are not.

    `secrets` are the names that Streamlit put into the environment; no key is ever shown.
    """
    if provider.vendor is not None:
        yield _key(provider.vendor, secrets)
        yield _package(provider.vendor.module, provider.vendor.extra)
        yield _address(provider.vendor)
    elif provider.package:
        yield _package(provider.package * installed(provider.package), provider.package)
        yield True, "A listed model is downloaded when it is first used; any may lie in a folder"
    else:
        for model in provider.models:
            yield not model.lacking, "; ".join((f"`{model.label}`", *model.lacking))


def _key(vendor: Vendor, secrets: Container[str]) -> Fact:
    name = vendor.key_name
    if name:
        where = "Streamlit's secrets" if name in secrets else "the environment"
        return True, f"Key in `{name}`, from {where}"
    if vendor.keyless and vendor.base:
        return True, "No key; a server of your own may need none"
    names = " or ".join(f"`{k}`" for k in vendor.keys)
    return False, f"No key: set {names} in the environment and start again"


def _package(module: str, extra: str) -> Fact:
    """Name a package that is installed; where it is empty, say what brings it."""
    if module:
        package = module.replace(".", "-")
        return True, f"Package `{package}` {version(package)}"
    brings = f'"pizza-night[{extra}]"' if extra else "pizza-night"
    return False, f"No package: run `pip install {brings}`"


def _address(vendor: Vendor) -> Fact:
    try:
        moved = vendor.shown_base
    except InputError as e:
        return False, str(e)
    if moved:
        return True, f"At `{moved}`, by `{vendor.url}`"
    return True, f"At its own address; `{vendor.url}` moves it"


def price_rows(own: Mapping[str, Price]) -> list[dict[str, str]]:
    """Return a row for each vendor's model we know, and for each price of one's own.

    What is not known stands as unknown, what no page confirms as unverified.
    """
    vendors = [(p.vendor.id, m) for p in PROVIDERS if p.vendor for m in p.models]
    known = {f"{vendor}/{model.label}": kind(type(model)) for vendor, model in vendors}
    every = {**known, **{name: "" for name in own if name not in known}}
    return [{"Model": name, "For": what, **_price(name, own)} for name, what in every.items()]


def _price(name: str, own: Mapping[str, Price]) -> dict[str, str]:
    price, table = price_of(name, own), price_of(name)
    if price is None:
        return {**dict.fromkeys(AMOUNTS.values(), UNKNOWN), "As of": "", "Source": UNKNOWN}
    amounts = {AMOUNTS[f.name]: _dollars(getattr(price, f.name)) for f in fields(Usage)}
    source = price.source or "unverified"
    if price != table or name in own:
        source = f"yours, in {FILE}" + (f": {price.source}" if price.source else "")
    return {**amounts, "As of": price.since, "Source": source}


def _dollars(amount: float | None) -> str:
    if amount is None:
        return ""
    return f"${amount:.2f}" if round(amount, 2) == amount else f"${amount:g}"
