"""Files, images and values as they go into a prompt."""

from __future__ import annotations

import base64
import doctest
import io
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest

from ollama_lab import attachments, files, images, kinds, values
from ollama_lab.attachments import Attachment, as_prompt, read_file, read_image, render
from ollama_lab.errors import BadUsage
from ollama_lab.prompts import expand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


@pytest.mark.parametrize("module", [attachments, kinds, values])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"plain\n", "plain\n", id="plain"),
        pytest.param(b"", "", id="empty"),
        pytest.param("Größe 天空\r\n".encode(), "Größe 天空\r\n", id="UTF-8 and CRLF"),
        pytest.param(b"\xef\xbb\xbfa,b", "a,b", id="byte order mark"),
        pytest.param("a,é".encode("utf-16"), "a,é", id="UTF-16 as spreadsheets write it"),
        pytest.param(b"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m", id="colored log"),
    ],
)
def test_a_text_file_is_read_as_it_is(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "some.csv").write_bytes(data)

    assert read_file(tmp_path / "some.csv") == Attachment("some.csv", text)


def test_a_path_may_start_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "notes.txt").write_text("home")

    assert read_file("~/notes.txt").text == "home"


def refusal(path: str | os.PathLike[str]) -> str:
    with pytest.raises(BadUsage) as caught:
        read_file(path)
    return str(caught.value)


def test_a_missing_file_offers_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "data.csv").touch()

    assert refusal(tmp_path / "data.cvs") == (
        f"There is no file '{tmp_path}/data.cvs'. Near it is 'data.csv'."
    )


@pytest.mark.parametrize("name", ["nothing-like-it.txt", "no/such/folder.txt"])
def test_a_missing_file_says_where_paths_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)

    assert refusal(name) == f"There is no file '{name}'. Paths start at {tmp_path}."


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"'{tmp_path}' is a directory. Name a file in it."


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert refusal(tmp_path / "pipe") == (
        f"'{tmp_path}/pipe' is not a regular file. Copy what it gives into one."
    )


def test_a_device_is_refused() -> None:
    assert refusal("/dev/zero").startswith("'/dev/zero' is not a regular file.")


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Path]:
    """A file that this process may not read, also when the suite runs as root."""
    path = tmp_path / "private.txt"
    path.write_text("secret")
    path.chmod(0)
    tmp_path.chmod(0o755)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield path
    os.seteuid(user)


def test_a_file_of_somebody_else_is_refused(private: Path) -> None:
    assert refusal(private) == (
        f"You may not read '{private}'. Change its permissions or copy it to a place of yours."
    )


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("a\0b", id="NUL in the name"),
        pytest.param("~nobody-of-this-name/x", id="no such user"),
        pytest.param("x" * 5000, id="name too long"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused_in_one_line(path: str) -> None:
    assert re.fullmatch(r"'.*' cannot be read: .*\. Name another file\.", refusal(path))


def test_a_file_over_the_limit_is_refused_with_both_sizes(tmp_path: Path) -> None:
    with (tmp_path / "big.log").open("wb") as file:
        file.truncate(12_000_000)

    assert refusal(tmp_path / "big.log") == (
        f"'{tmp_path}/big.log' has 12.0 MB; the limit is 4.0 MB. "
        "Read the part that matters in Python and put it into the prompt as {name}."
    )


def test_the_limit_holds_for_files_that_hide_their_size() -> None:
    with pytest.raises(BadUsage, match="the limit is"):
        files.read_bytes("/proc/self/maps", limit_bytes=10)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x7fELF\x00\x01\x02\xff\xfe", id="program"),
        pytest.param(b"PK\x03\x04\x00\x00", id="archive"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", id="PDF"),
        pytest.param(b"%PDF-1.7\nplain", id="PDF without high bytes"),
    ],
)
def test_a_binary_file_is_refused_in_words(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "thing").write_bytes(data)

    assert refusal(tmp_path / "thing") == (
        "'thing' is not a text file. "
        "Take its text out in Python and put it into the prompt as {name}."
    )


def test_an_image_as_a_file_names_the_option_for_images(tmp_path: Path) -> None:
    (tmp_path / "plot.png").write_bytes(png(2, 2))

    assert refusal(tmp_path / "plot.png") == (
        "'plot.png' is an image, not text. Attach it with: --image plot.png"
    )


def test_another_encoding_is_named_with_its_first_byte(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes("Stück für Stück".encode("latin-1"))

    assert refusal(tmp_path / "old.txt").startswith("'old.txt' is not UTF-8 text: byte 2 is 0xFC.")


NOTEBOOK = {
    "metadata": {"language_info": {"name": "julia"}},
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": "x = 1", "outputs": [{"text": "secret"}]},
        {"cell_type": "raw", "source": ""},
    ],
}


def test_a_notebook_becomes_its_cells_without_outputs(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(json.dumps(NOTEBOOK))

    assert read_file(tmp_path / "a.ipynb").text == "# Title\ntext\n\n```julia\nx = 1\n```\n\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="broken"),
        pytest.param("[]", id="a list"),
        pytest.param('{"worksheets": []}', id="format 3"),
        pytest.param('{"cells": [1]}', id="no cells in it"),
        pytest.param("[" * 200_000, id="nested without end"),
    ],
)
def test_a_notebook_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.ipynb").write_text(text)

    assert refusal(tmp_path / "a.ipynb") == (
        "'a.ipynb' is not a notebook that can be read (format 4). "
        "Open it in Jupyter and save it, or attach a copy named .txt."
    )


def test_files_stand_before_the_prompt_each_under_its_name() -> None:
    prompt = as_prompt([Attachment("a.py", "x = 1\n"), Attachment("b.ipynb", "# T")], "Explain.")

    assert prompt == (
        "File `a.py`:\n\n```py\nx = 1\n```\n\nFile `b.ipynb`:\n\n```markdown\n# T\n```\n\nExplain."
    )


def test_nothing_in_a_file_closes_its_fence() -> None:
    assert as_prompt([Attachment("a.md", "```\ncode\n```\n`````")]) == (
        "File `a.md`:\n\n``````md\n```\ncode\n```\n`````\n``````"
    )


def test_a_file_name_cannot_break_out_of_its_heading() -> None:
    prompt = as_prompt([Attachment("a`\n\n```x.c v\x00", "y")])

    assert prompt == "File `a x.c v `:\n\n```cv\ny\n```"


def test_no_attachment_leaves_the_prompt_alone() -> None:
    assert as_prompt([], "Hi") == "Hi"


def png(width: int, height: int, mode: str = "RGB", kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new(mode, (width, height)).save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that unpacks to as many pixels as it says."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def opened(image: images.Image) -> PIL.Image.Image:
    """Look at what is sent."""
    return PIL.Image.open(io.BytesIO(base64.b64decode(image.base64, validate=True)))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png(40, 30), id="PNG"),
        pytest.param(png(40, 30, kind="JPEG"), id="JPEG"),
        pytest.param(png(1024, 1), id="just small enough"),
    ],
)
def test_a_small_png_or_jpeg_goes_as_it_is(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "cat.png").write_bytes(data)

    image = read_image(tmp_path / "cat.png")

    assert (image.name, base64.b64decode(image.base64)) == ("cat.png", data)


@pytest.mark.parametrize(
    ("data", "size", "kind"),
    [
        pytest.param(png(3000, 1500), (1024, 512), "PNG", id="PNG"),
        pytest.param(png(1500, 3000, kind="JPEG"), (512, 1024), "JPEG", id="JPEG"),
        pytest.param(png(30000, 2), (1024, 1), "PNG", id="a line"),
    ],
)
def test_a_large_picture_is_scaled_and_keeps_its_kind(
    data: bytes, size: tuple[int, int], kind: str
) -> None:
    picture = opened(read_image(data))

    assert (picture.size, picture.format) == (size, kind)


def test_the_longest_side_can_be_said() -> None:
    assert opened(read_image(png(300, 150), longest_side=100)).size == (100, 50)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png(9, 9, kind="GIF"), id="GIF"),
        pytest.param(png(9, 9, kind="WEBP"), id="WebP"),
        pytest.param(png(9, 9, kind="BMP"), id="BMP"),
        pytest.param(png(9, 9, mode="CMYK", kind="JPEG"), id="four inks"),
        pytest.param(png(9, 9, mode="P", transparency=0), id="palette"),
        pytest.param(png(9, 9, mode="1"), id="black and white"),
        pytest.param(png(9, 9, mode="LA"), id="gray with transparency"),
    ],
)
def test_other_formats_become_what_every_server_reads(data: bytes) -> None:
    picture = opened(read_image(data))

    assert picture.format in ("PNG", "JPEG")
    assert (picture.mode, picture.size) == ("RGB", (9, 9))


def test_what_is_transparent_becomes_white() -> None:
    assert opened(read_image(png(4, 4, mode="RGBA"))).getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_of_gray_are_scaled_and_not_cut() -> None:
    deep = PIL.Image.fromarray(np.array([[0, 32768, 65535]], dtype="uint16"))

    picture = opened(read_image(deep))

    assert [picture.getpixel((x, 0)) for x in range(3)] == [0, 128, 255]


def test_a_photograph_is_turned_upright() -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6

    picture = opened(read_image(png(40, 20, kind="JPEG", exif=exif)))

    assert picture.size == (20, 40)
    assert 0x0112 not in picture.getexif()


def test_a_pillow_image_is_scaled_and_left_as_it_was() -> None:
    source = PIL.Image.new("RGB", (2048, 2048))

    picture = opened(read_image(source))

    assert (picture.size, source.size) == ((1024, 1024), (2048, 2048))


class Drawing:
    """What figures have in common."""

    def savefig(self, target: io.BytesIO, *, format: str) -> None:  # noqa: A002 (their name for it)
        target.write(png(30, 20, kind=format))


class Axes:
    figure = Drawing()


class Shows:
    """An object with a picture of itself, as IPython asks for it."""

    def __init__(self, shown: object) -> None:
        self.shown = shown

    def _repr_png_(self) -> object:
        return self.shown


class ShowsJpeg:
    def _repr_png_(self) -> None:
        return None

    def _repr_jpeg_(self) -> bytes:
        return png(30, 20, kind="JPEG")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(bytearray(png(30, 20)), id="bytearray"),
        pytest.param(memoryview(png(30, 20)), id="memoryview"),
        pytest.param(Drawing(), id="figure"),
        pytest.param(Axes(), id="axes"),
        pytest.param(Shows(png(30, 20)), id="shows bytes"),
        pytest.param(Shows(base64.b64encode(png(30, 20)).decode()), id="shows base64"),
        pytest.param(Shows((png(30, 20), {"width": 30})), id="shows bytes with metadata"),
        pytest.param(ShowsJpeg(), id="shows JPEG"),
        pytest.param(np.zeros((20, 30), dtype="uint8"), id="gray array"),
        pytest.param(np.zeros((20, 30, 1), dtype="int64"), id="gray array of three dimensions"),
        pytest.param(np.zeros((20, 30, 3), dtype="float32"), id="color array of floats"),
        pytest.param(np.zeros((20, 30, 4), dtype="uint8"), id="array with transparency"),
        pytest.param(np.zeros((20, 30), dtype=bool), id="mask"),
    ],
)
def test_whatever_shows_a_picture_is_one(source: object) -> None:
    image = read_image(source)

    assert (image.name, opened(image).size) == ("image", (30, 20))


@pytest.mark.parametrize(
    ("array", "level"),
    [
        pytest.param(np.full((2, 2), 1.0), 255, id="floats go to 1"),
        pytest.param(np.full((2, 2), 0.5), 128, id="half"),
        pytest.param(np.full((2, 2), 200), 200, id="whole numbers go to 255"),
        pytest.param(np.ones((2, 2), dtype=bool), 255, id="true is white"),
    ],
)
def test_the_levels_of_an_array_are_kept(array: Any, level: int) -> None:
    assert opened(read_image(array)).getpixel((0, 0)) == level


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(b"", "'image' is empty: 0 bytes.", id="nothing"),
        pytest.param(b"hello", "'image' is not an image that can be read.", id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "'image' is not an image that can be read.", id="a head only"),
        pytest.param(png(90, 90)[:60], "The image 'image' is broken: ", id="cut"),
        pytest.param(png(90, 90, kind="JPEG")[:700], "The image 'image' is broken: ", id="cut JPEG"),
        pytest.param(bomb(20_000, 10_000), "The image 'image' has more than 80 million pixels", id="200 megapixels"),
        pytest.param(bomb(9_000, 9_000), "The image 'image' has more than 80 million pixels: 9,000 x 9,000.", id="81 megapixels"),
        pytest.param(3, "A value of type int is not an image.", id="number"),
        pytest.param(Shows(None), "A value of type Shows is not an image.", id="shows nothing"),
        pytest.param(Shows, "A value of type type is not an image.", id="class"),
        pytest.param("https://example.org/a.png", "'https://example.org/a.png' is an address, and nothing is fetched.", id="address"),
        pytest.param("nowhere.png", "There is no file 'nowhere.png'.", id="missing"),
        pytest.param(np.zeros(3), "An array of shape (3,) is not an image.", id="one dimension"),
        pytest.param(np.zeros((2, 2, 5)), "An array of shape (2, 2, 5) is not an image.", id="five colors"),
        pytest.param(np.zeros((0, 2)), "An array of shape (0, 2) is not an image.", id="no pixels"),
        pytest.param(np.full((2, 2), 300), "The pixels go from 300 to 300; int64 goes from 0 to 255.", id="too bright"),
        pytest.param(np.full((2, 2), 2.5), "The pixels go from 2.5 to 2.5; float64 goes from 0 to 1.", id="floats of bytes"),
        pytest.param(np.full((2, 2), np.nan), "The pixels go from nan to nan; float64 goes from 0 to 1.", id="not numbers"),
        pytest.param(np.array([["a"]]), "An array of <U1 is not an image.", id="words"),
        pytest.param(np.broadcast_to(np.uint8(0), (20_000, 10_000)), "The image 'image' has more than 80 million pixels", id="huge array"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused_in_one_sentence(source: object, said: str) -> None:
    with pytest.raises(BadUsage) as caught:
        read_image(source)

    assert caught.value.message.startswith(said)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


WITHOUT_PILLOW = """
import sys
sys.modules["PIL"] = None  # as if it were not installed
from ollama_lab.attachments import read_image
from pathlib import Path
print(type(read_image(Path(sys.argv[1]).read_bytes())).__name__)
"""


def without_pillow(path: Path, data: bytes) -> str:
    """Read an image where there is no Pillow and return the last line."""
    path.write_bytes(data)
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_PILLOW, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return (run.stdout + run.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(png(2000, 10), "Image", id="PNG"),
        pytest.param(png(20, 10, kind="JPEG"), "Image", id="JPEG"),
        pytest.param(png(20, 10, kind="WEBP"), "ImportError: 'image' must be scaled or converted, which needs Pillow: pip install pillow", id="WebP"),
        pytest.param(png(20, 10) + bytes(1_000_000), "ImportError: 'image' must be scaled or converted, which needs Pillow: pip install pillow", id="too many bytes"),
        pytest.param(b"hello", "ollama_lab.errors.BadUsage: 'image' is not an image that can be read. Use PNG, JPEG or WebP.", id="text"),
        pytest.param(bomb(20_000, 10_000), "ollama_lab.errors.BadUsage: The image 'image' has more than 80 million pixels: 20,000 x 10,000. Scale it down first.", id="200 megapixels"),
    ],
)  # fmt: skip
def test_without_pillow_only_small_png_and_jpeg_pass(
    tmp_path: Path, data: bytes, said: str
) -> None:
    assert without_pillow(tmp_path / "picture", data) == said


def test_values_of_a_frame_become_a_markdown_table() -> None:
    frame = pd.DataFrame(
        {"name": ["a|b", "two\nlines"], "ratio": [0.1 + 0.2, float("nan")], "n": [3, 1234567]}
    )

    assert render(frame) == (
        "| name | ratio | n |\n"
        "| --- | --- | --- |\n"
        "| a\\|b | 0.3 | 3 |\n"
        "| two lines | nan | 1234567 |\n"
        "\n"
        "(2 of 2 rows, 3 of 3 columns)"
    )


def test_an_index_that_tells_something_is_a_column() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["x", "y"], name="city"))

    assert render(frame).splitlines()[:3] == ["| city | n |", "| --- | --- |", "| x | 1 |"]


def test_columns_of_several_levels_are_joined() -> None:
    columns = pd.MultiIndex.from_tuples([("size", "min"), ("size", "max")])

    table = render(pd.DataFrame([[1, 2]], columns=columns))

    assert table.splitlines()[0] == "| size / min | size / max |"


def test_a_long_frame_shows_twenty_rows_and_says_of_how_many() -> None:
    lines = render(pd.DataFrame({"n": range(12345)})).splitlines()

    assert len(lines) == 2 + 20 + 2
    assert lines[-1] == "(20 of 12,345 rows, 1 of 1 columns)"


def test_the_format_states_the_number_of_rows() -> None:
    expansion = expand("{df:3}", {"df": pd.DataFrame({"n": range(9)})}, render=render)

    assert expansion.text.endswith("| 2 |\n\n(3 of 9 rows, 1 of 1 columns)")


def test_another_format_for_a_frame_is_refused() -> None:
    with pytest.raises(BadUsage, match="the format of a table is its number of rows"):
        expand("{df:.2f}", {"df": pd.DataFrame({"n": [1]})}, render=render)


def test_a_wide_frame_shows_thirty_columns_and_says_of_how_many() -> None:
    lines = render(pd.DataFrame([range(100)])).splitlines()

    assert lines[0].endswith("| 29 |")
    assert lines[-1] == "(1 of 1 rows, 30 of 100 columns)"


def test_a_long_cell_is_cut() -> None:
    line = render(pd.DataFrame({"t": ["z" * 10_000]})).splitlines()[2]

    assert line == f"| {'z' * 199}… |"


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        pytest.param(pd.DataFrame(), "(0 of 0 rows, 0 of 0 columns)", id="nothing"),
        pytest.param(pd.DataFrame({"n": []}), "| n |\n| --- |\n\n(0 of 0 rows, 1 of 1 columns)", id="no rows"),
        pytest.param(pd.DataFrame(index=["a"]), "|  |\n| --- |\n| a |\n\n(1 of 1 rows, 0 of 0 columns)", id="no columns"),
        pytest.param(pd.Series([1, 2], name="n"), "| n |\n| --- |\n| 1 |\n| 2 |\n\n(2 of 2 rows, 1 of 1 columns)", id="series"),
        pytest.param(pd.Series({"a": 1.5}), "|  | value |\n| --- | --- |\n| a | 1.5 |\n\n(1 of 1 rows, 1 of 1 columns)", id="series without a name"),
    ],
)  # fmt: skip
def test_odd_frames_are_tables_too(frame: Any, text: str) -> None:
    assert render(frame) == text


def example() -> int:
    return 1


class Huge:
    def __str__(self) -> str:
        return "z" * 10_000_000


class Formatted:
    def __format__(self, spec: str) -> str:
        return f"formatted {spec}"


RECURSIVE: list[Any] = []
RECURSIVE.append(RECURSIVE)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("a\n{b}", "a\n{b}", id="string"),
        pytest.param(1.5, "1.5", id="number"),
        pytest.param(None, "None", id="None"),
        pytest.param((3, 4), "(3, 4)", id="tuple"),
        pytest.param({"ключ": [True, None]}, '{"ключ": [true, null]}', id="dict as JSON"),
        pytest.param([np.int64(1), np.array([2])], "[1, [2]]", id="numpy in a list"),
        pytest.param([pd.Timestamp(2026, 11, 24)], '["2026-11-24 00:00:00"]', id="date in a list"),
        pytest.param({(1, 2): 3}, "{(1, 2): 3}", id="no JSON"),
        pytest.param(RECURSIVE, "[[...]]", id="list in itself"),
        pytest.param(np.array([1, 2]), "[1, 2]", id="array"),
        pytest.param(np.float64(2.5), "2.5", id="numpy number"),
        pytest.param(example, "def example() -> int:\n    return 1", id="function"),
        pytest.param(int, "<class 'int'>", id="built-in class"),
        pytest.param(Formatted(), "formatted ", id="own format"),
    ],
)
def test_other_values_are_written_as_they_read_best(value: object, text: str) -> None:
    assert render(value) == text


def test_a_format_is_the_value_s_own() -> None:
    assert (render(3.14159, ".2f"), render(Formatted(), "x")) == ("3.14", "formatted x")


def test_a_large_array_shows_its_ends_and_says_its_shape() -> None:
    text = render(np.zeros((5000, 2)))

    assert len(text) < 500
    assert text.endswith("\n(the ends of an array of shape (5000, 2), float64)")


@pytest.mark.parametrize(
    "value", [pytest.param(Huge(), id="object"), pytest.param([1] * 10_000_000, id="list")]
)
def test_a_long_value_ends_at_the_limit_and_says_so(value: object) -> None:
    text = render(value)

    assert len(text) < 100_200
    assert text.endswith("\n(the rest is left out: a value ends after 100,000 characters)")


def test_a_string_is_never_cut() -> None:
    assert len(render("z" * 1_000_000)) == 1_000_000


def test_a_generator_is_not_consumed() -> None:
    generator = (number for number in range(3))

    render(generator)

    assert list(generator) == [0, 1, 2]


def test_attachments_import_neither_pandas_nor_pillow() -> None:
    script = (
        "import sys, ollama_lab.attachments as a; a.render([1]);"
        "print(sorted({'numpy', 'pandas', 'PIL', 'matplotlib'} & set(sys.modules)))"
    )

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )

    assert run.stdout == "[]\n"
