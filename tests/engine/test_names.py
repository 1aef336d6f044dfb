from __future__ import annotations

import pytest

from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.names import Name


@pytest.mark.parametrize(
    ("text", "full"),
    [
        pytest.param("tiny", "registry.ollama.ai/library/tiny:latest", id="model"),
        pytest.param("tiny:1b", "registry.ollama.ai/library/tiny:1b", id="tag"),
        pytest.param("me/tiny", "registry.ollama.ai/me/tiny:latest", id="namespace"),
        pytest.param("hf.co/me/tiny:Q4_K_M", "hf.co/me/tiny:Q4_K_M", id="host"),
        pytest.param("localhost:5000/me/tiny", "localhost:5000/me/tiny:latest", id="port"),
        pytest.param("https://hf.co/me/tiny", "hf.co/me/tiny:latest", id="scheme"),
        pytest.param(" tiny ", "registry.ollama.ai/library/tiny:latest", id="blanks"),
    ],
)
def test_what_a_name_leaves_out_is_filled_in(text: str, full: str) -> None:
    assert Name.parse(text).full == full


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("a/b/c/d", id="too-many-parts"),
        pytest.param("../../etc/passwd", id="parent-folder"),
        pytest.param("tiny:..", id="parent-folder-as-tag"),
        pytest.param("a..b", id="two-dots"),
        pytest.param("my.space/tiny", id="dot-in-a-namespace"),
        pytest.param("-tiny", id="begins-with-a-dash"),
        pytest.param("tiny:", id="empty-tag"),
        pytest.param("t" * 81, id="too-long"),
        pytest.param("tiny\x00", id="null-byte"),
        pytest.param("tïny", id="not-ascii"),
    ],
)
def test_a_bad_name_is_refused_in_ollamas_words(text: str) -> None:
    with pytest.raises(EngineError, match=r"^invalid model name$") as caught:
        Name.parse(text)

    assert caught.value.status == 400


@pytest.mark.parametrize("text", ["tiny:cloud", "tiny:120b-cloud"])
def test_a_cloud_name_is_known_by_its_tag(text: str) -> None:
    assert Name.parse(text).is_cloud


@pytest.mark.parametrize("text", ["tiny", "cloud", "cloud:latest"])
def test_any_other_name_is_local(text: str) -> None:
    assert not Name.parse(text).is_cloud
