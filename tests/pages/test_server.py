"""What the server does without at its start."""

from streamlit.components.v2 import manifest_scanner


def test_no_installed_package_brings_a_component():
    assert manifest_scanner.scan_component_manifests() == []
