"""What the server does without at its start, and where it works."""

import os
import sys

from streamlit.components.v2 import manifest_scanner

from goldsets import serve


def test_no_installed_package_brings_a_component():
    assert manifest_scanner.scan_component_manifests() == []


def test_the_app_works_in_the_folder_it_is_started_from(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PIZZA_WORKSPACE", raising=False)
    went = []
    monkeypatch.setattr(os, "execve", lambda *given: went.append(given))
    serve.run([sys.executable], {})
    assert went[0][2]["PIZZA_WORKSPACE"] == str(tmp_path / "workspace")
