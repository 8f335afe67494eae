import os
import time
from pathlib import Path

import pytest

from retrieval.errors import InputError
from retrieval.store import Workspace


def test_the_folder_is_that_given_else_named_in_the_environment_else_beside_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PIZZA_WORKSPACE", raising=False)
    assert Workspace.open().path == tmp_path / "workspace"
    monkeypatch.setenv("PIZZA_WORKSPACE", str(tmp_path / "named"))
    assert Workspace.open().path == tmp_path / "named"
    assert Workspace.open(tmp_path / "given").path == tmp_path / "given"
    assert (tmp_path / "given" / "workspace.db").is_file()


def test_a_folder_made_for_it_stays_out_of_a_commit_and_one_that_was_there_does_not(
    tmp_path: Path,
) -> None:
    Workspace.open(tmp_path / "new")
    assert (tmp_path / "new" / ".gitignore").read_text() == "*\n"
    (tmp_path / "mine").mkdir()
    Workspace.open(tmp_path / "mine")
    assert not (tmp_path / "mine" / ".gitignore").exists()


def test_a_file_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be used as a workspace"):
        Workspace.open(tmp_path / "file")


def test_what_a_killed_process_left_half_written_is_swept_when_it_is_old(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path)
    old, new = workspace.temporary / "old", workspace.temporary / "new"
    old.touch()
    new.touch()
    yesterday = time.time() - 86_400
    os.utime(old, (yesterday, yesterday))
    Workspace.open(tmp_path)
    assert list(workspace.temporary.iterdir()) == [new]
