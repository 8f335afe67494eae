"""Finding and loading models for fastembed: by name, or from a folder of this machine.

A named model that is not here is downloaded from the Hugging Face hub, once, into
FASTEMBED_CACHE_PATH, else `~/.cache/fastembed`.
"""

import hashlib
import importlib.metadata
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from retrieval.errors import InputError, MissingModel, PizzaError, SpecError, one_of
from retrieval.providers.vendor import installed, load, missing
from retrieval.types import digest

PACKAGE = EXTRA = "fastembed"
LOADED = 2
"""Models that stay in memory."""
USUAL = ("model.onnx", "onnx/model.onnx", "model_optimized.onnx", "onnx/model_quantized.onnx")
"""Where a folder's network is looked for, besides anywhere if it is the only one."""
NEEDED = ("tokenizer.json", "tokenizer_config.json")
POOLING = {"mean": "MEAN", "cls": "CLS", "last": "LAST_TOKEN", "none": "DISABLED"}
OWN = "fastembed-folder/"
"""Begins the names under which fastembed is told of folders."""


@dataclass(frozen=True)
class OnnxModel:
    """A model that fastembed runs; with a folder its files are those in there.

    `pooling` says how a folder's model makes a vector of its tokens'; nothing says that it is the
    listed model of that name.
    """

    kind: Literal["TextEmbedding", "TextCrossEncoder"]
    model: str
    folder: str = ""
    pooling: str = ""

    @property
    def identity(self) -> str:
        """Name it by the package's version and its name, or what is in its folder."""
        if not installed(PACKAGE):
            return f"{self.model}/{PACKAGE} is not installed"
        own = self.model
        if self.folder:
            try:
                own = _contents(tuple(map(_state, self.files()))) + self.pooling
            except PizzaError:
                own = f"{self.folder} is missing"
        return f"{PACKAGE}-{importlib.metadata.version(PACKAGE)}/{own}"

    @property
    def lacking(self) -> tuple[str, ...]:
        """Say in a sentence with the fix that the package, the model or its folder is missing."""
        if not installed(PACKAGE):
            return (str(missing(PACKAGE, EXTRA)),)
        try:
            self.listed()
            self.files()
        except PizzaError as e:
            return (str(e),)
        return ()

    def loaded(self, threads: int) -> Any:
        """Return fastembed's model, which runs in so many threads.

        Raises:
            MissingExtra: fastembed is not installed.
            MissingModel: the model is not on this machine and cannot be downloaded.
            SpecError: fastembed does not list it, and no folder says more.
            InputError: its files cannot be used.
        """
        return _loaded(self, self.identity, threads)

    def need_no_download(self) -> None:
        """Look whether the model is on this machine.

        Raises:
            MissingModel: it would be downloaded first.
        """
        if self.files() or not self.listed():
            return
        try:
            self._class(self.model, cache_dir=str(_cache()), local_files_only=True, lazy_load=True)
        except ValueError:
            raise MissingModel(
                f"the model {self.model} is not on this machine (looked in {_cache()}); it is"
                " downloaded when a sweep first needs it"
            ) from None

    def listed(self) -> Mapping[str, Any] | None:
        """Return what fastembed knows of the model; None for another that lies in a folder.

        Raises:
            SpecError: fastembed does not list it, and nothing says how to read it.
        """
        if self.pooling:
            return None
        known = {m["model"].casefold(): m for m in self._class.list_supported_models()}
        found: Mapping[str, Any] | None = known.get(self.model.casefold())
        if found or (self.folder and self.kind == "TextCrossEncoder"):
            return found
        if self.folder:
            raise SpecError(
                f"fastembed has no model {self.model!r}; say as pooling how the one in"
                f" {self.folder!r} makes its vectors: {', '.join(POOLING)}"
            )
        names = [m["model"] for m in known.values() if not m["model"].startswith(OWN)]
        raise SpecError(
            f"fastembed has no model {self.model!r}; give the folder with its files, or another"
            f" name{one_of(self.model, names, 'model')}"
        )

    def files(self) -> list[Path]:
        """Return the files of the folder that make the model, its network first.

        Raises:
            MissingModel: the folder is not there, or a file is not in it.
        """
        if not self.folder:
            return []
        root, listed = self._root, self.listed()
        usual = [listed["model_file"]] if listed else [*USUAL, *_only_network(root)]
        network = next((name for name in usual if (root / name).is_file()), usual[0])
        absent = [name for name in (network, *NEEDED) if not (root / name).is_file()]
        if absent:
            said = f"holds no {' and no '.join(absent)}" if root.is_dir() else "is not there"
            raise MissingModel(
                f"the folder {self.folder!r} of the model {self.model} {said}; give the path of one"
                " with the network as ONNX and its tokenizer"
            )
        parts = (root / network).parent.glob(f"{Path(network).stem}*data*")  # weights kept apart
        every = [*sorted(parts), *sorted(root.glob("*.json"))]
        return [root / network, *(path for path in every if path.is_file())]

    @contextmanager
    def in_a_sentence(self) -> Iterator[None]:
        """Turn what fastembed and onnxruntime raise into one sentence.

        Raises:
            InputError: the model cannot be loaded or run.
        """
        try:
            yield
        except PizzaError:
            raise
        except Exception as e:
            said = " ".join(str(e).split())[:200]
            raise InputError(
                f"cannot be used as a {self.kind} of fastembed ({type(e).__name__}: {said})",
                where=self.folder or self.model,
            ) from e

    def open(self, threads: int) -> Any:
        """Load the model."""
        options = {"threads": threads, "cache_dir": str(_cache()), "local_files_only": True}
        listed, files = self.listed(), self.files()
        with self.in_a_sentence():
            if self.folder:
                name = listed["model"] if listed else self._registered(files[0])
                return self._class(name, specific_model_path=str(self._root), **options)
            try:
                return self._class(self.model, **options)
            except ValueError:  # it is not here
                self._download(listed or {})
                return self._class(self.model, **options)

    @property
    def _class(self) -> Any:
        package = load(PACKAGE, EXTRA)
        load("loguru", EXTRA).logger.disable(PACKAGE)  # what goes wrong is raised, in one sentence
        if self.kind == "TextCrossEncoder":
            package = load(f"{PACKAGE}.rerank.cross_encoder", EXTRA)
        return getattr(package, self.kind)

    @property
    def _root(self) -> Path:
        return Path(self.folder).expanduser()

    def _registered(self, network: Path) -> str:
        """Tell fastembed of a folder's model, under a name of its own."""
        name = f"{OWN}{digest(self.identity)[:24]}"
        if any(m["model"] == name for m in self._class.list_supported_models()):
            return name
        about = load(f"{PACKAGE}.common.model_description", EXTRA)
        file = network.relative_to(self._root).as_posix()
        options: dict[str, Any] = {"sources": about.ModelSource(hf=name), "model_file": file}
        if self.pooling:
            pooling = getattr(about.PoolingType, POOLING[self.pooling])
            options |= {"pooling": pooling, "normalization": True, "dim": 1}  # not looked at
        self._class.add_custom_model(model=name, **options)
        return name

    def _download(self, listed: Mapping[str, Any]) -> None:
        source, files = listed["sources"]["hf"], [listed["model_file"], *listed["additional_files"]]
        hub = load(f"{PACKAGE}.common.model_management", EXTRA).ModelManagement
        try:
            hub.download_files_from_huggingface(source, str(_cache()), files)
        except Exception as e:
            raise MissingModel(
                f"the model {self.model} is not on this machine (looked in {_cache()}) and cannot"
                f" be downloaded ({type(e).__name__}); where the Hugging Face hub can be reached"
                f" run: hf download {source} --local-dir {self.model.split('/')[-1]}, bring that"
                " folder here, and give its path as folder"
            ) from e


@lru_cache(LOADED)
def _loaded(model: OnnxModel, identity: str, threads: int) -> Any:  # noqa: ARG001 - see below
    """Load a model; anew when its files have changed, and with them its identity."""
    return model.open(threads)


def _cache() -> Path:
    return Path(os.environ.get("FASTEMBED_CACHE_PATH") or Path.home() / ".cache" / PACKAGE)


def _only_network(root: Path) -> Iterator[str]:
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.onnx"))
    if len(found) == 1:
        yield found[0]


State = tuple[str, int, int]
"""A file's path, size and time of change."""


def _state(path: Path) -> State:
    about = path.stat()
    return str(path), about.st_size, about.st_mtime_ns


@lru_cache(64)
def _contents(states: tuple[State, ...]) -> str:
    """Hash the contents of files; again only when one has changed."""
    hashes = []
    for path, _, _ in states:
        with Path(path).open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digest(*hashes)[:24]
