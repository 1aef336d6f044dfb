"""A picture for a model: from a file, bytes, a figure or an array to base64, scaled.

Models see PNG and JPEG everywhere and other formats only on some servers; most look at no more than
about a thousand pixels, and every pixel sent costs time. So what is small PNG or JPEG goes as it
is, and Pillow, where it is installed, makes that of the rest.
"""

from __future__ import annotations

import base64
import io
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import BadUsage
from .files import read_bytes
from .kinds import is_a

if TYPE_CHECKING:
    import PIL.Image

LONGEST_SIDE_PIXELS = 1024
# What 80 million pixels need once unpacked: 320 MB.
PIXELS_LIMIT = 80_000_000
FILE_BYTES = 50_000_000
# Without Pillow nothing can be scaled: more than this is refused.
UNSCALED_BYTES = 1_000_000

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_OTHERS = (b"GIF8", b"BM", b"II*\0", b"MM\0*")
_ORIENTATION = 0x0112
_WORKS = "Use a path, bytes, a Pillow image, a figure or an array of pixels."


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as it goes into a message.

    Parameters
    ----------
    name : str
        Its file name, or ``"image"``.
    base64 : str
        PNG or JPEG in base64, with no ``data:`` before it: Ollama refuses that.
    """

    name: str
    base64: str = field(repr=False)


def read_image(source: Any, *, longest_side: int = LONGEST_SIDE_PIXELS) -> Image:
    """Make a picture for a model of whatever the user has.

    Parameters
    ----------
    source : object
        A path, bytes, a Pillow image, a matplotlib figure or axes, a numpy array of shape
        (height, width) or (height, width, 3 or 4), or an object that shows itself as PNG or JPEG.
    longest_side : int, optional
        Larger pictures are scaled down to this many pixels.

    Raises
    ------
    BadUsage
        It is no picture, is broken, has more than 80 million pixels, or its file cannot be read.
    ImportError
        It must be scaled or converted, and Pillow is not installed.
    """
    name = Path(source).name if isinstance(source, str | os.PathLike) else "image"
    if is_a(source, "numpy.ndarray"):
        source = _from_array(source)
    if is_a(source, "PIL.Image.Image"):
        width, height = source.size
        _check_pixels(width, height, name)
        data = _encoded(source.copy(), longest_side, "PNG")
    else:
        data = _scaled(_bytes_of(source), name, longest_side)
    return Image(name, base64.b64encode(data).decode("ascii"))


def looks_like_image(data: bytes) -> bool:
    """Tell a picture by its first bytes."""
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return data.startswith((_PNG, _JPEG, *_OTHERS)) or is_webp


def _bytes_of(source: Any) -> bytes:
    if isinstance(source, str | os.PathLike):
        return _from_file(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    figure: Any = source if hasattr(source, "savefig") else getattr(source, "figure", None)
    if hasattr(figure, "savefig"):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()
    shown = _shown(source, "_repr_png_") or _shown(source, "_repr_jpeg_")
    if shown is None:
        raise BadUsage(f"A value of type {type(source).__name__} is not an image.", hint=_WORKS)
    return shown


def _from_file(path: str | os.PathLike[str]) -> bytes:
    if str(path).startswith(("http://", "https://", "data:")):
        raise BadUsage(
            f"{str(path)[:80]!r} is an address, and nothing is fetched.",
            hint="Save the image to a file and name that.",
        )
    return read_bytes(path, limit_bytes=FILE_BYTES)


def _shown(source: Any, method: str) -> bytes | None:
    """Ask an object to show itself as IPython would: bytes, base64, or one of them with metadata."""
    if isinstance(source, type) or not callable(getattr(source, method, None)):
        return None
    shown = getattr(source, method)()
    if isinstance(shown, tuple):
        shown = shown[0]
    if isinstance(shown, str):
        shown = base64.b64decode(shown)
    return shown if isinstance(shown, bytes) else None


def _scaled(data: bytes, name: str, longest_side: int) -> bytes:
    if not data:
        raise BadUsage(f"{name!r} is empty: 0 bytes.", hint=_WORKS)
    try:
        import PIL.Image
    except ImportError:
        return _unscaled(data, name)
    with warnings.catch_warnings():
        # Pillow warns from 89 million pixels on; our own limit is lower and says what to do.
        warnings.simplefilter("ignore")
        try:
            image = PIL.Image.open(io.BytesIO(data))
        except PIL.Image.DecompressionBombError as exc:
            raise _too_many_pixels(name) from exc
        except Exception as exc:  # broken files raise anything, says Pillow's own manual
            raise _no_image(name) from exc
        _check_pixels(*image.size, name)
        try:
            return _as_it_is(image, data, longest_side) or _encoded(
                image, longest_side, image.format
            )
        except Exception as exc:  # the same, found while unpacking
            raise BadUsage(
                f"The image {name!r} is broken: {exc}.", hint="Save it again as PNG or JPEG."
            ) from exc


def _as_it_is(image: PIL.Image.Image, data: bytes, longest_side: int) -> bytes | None:
    """Return the bytes of a picture that every server reads right, else None."""
    is_upright = image.getexif().get(_ORIENTATION, 1) == 1  # servers do not turn pictures
    is_common = image.format in ("PNG", "JPEG") and image.mode in ("RGB", "L")
    if not (is_upright and is_common and max(image.size) <= longest_side):
        return None
    image.load()
    return data


def _encoded(image: PIL.Image.Image, longest_side: int, kind: str | None) -> bytes:
    """Scale, turn and flatten a picture, and write it as JPEG if it was one, else as PNG."""
    import PIL.ImageOps

    if image.mode not in ("RGB", "L", "CMYK", "YCbCr"):
        image = _on_white(image)
    image.thumbnail((longest_side, longest_side))
    image = PIL.ImageOps.exif_transpose(image)
    if image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG" if kind == "JPEG" else "PNG", exif=b"")
    return buffer.getvalue()


def _on_white(image: PIL.Image.Image) -> PIL.Image.Image:
    """Flatten transparency (servers drop it, and black on black cannot be read) and deep grays."""
    import PIL.Image

    if image.mode.startswith("I"):
        return image.point(lambda level: level / 256).convert("L")
    layer = image.convert("RGBA")
    white = PIL.Image.new("RGBA", image.size, "white")
    return PIL.Image.alpha_composite(white, layer).convert("RGB")


def _unscaled(data: bytes, name: str) -> bytes:
    if not looks_like_image(data):
        raise _no_image(name)
    if not data.startswith((_PNG, _JPEG)) or len(data) > UNSCALED_BYTES:
        raise ImportError(
            f"{name!r} must be scaled or converted, which needs Pillow: pip install pillow"
        )
    if data.startswith(_PNG):  # width and height stand at a fixed place; JPEG hides no bombs
        _check_pixels(int.from_bytes(data[16:20]), int.from_bytes(data[20:24]), name)
    return data


def _from_array(array: Any) -> PIL.Image.Image:
    try:
        import PIL.Image
    except ImportError as exc:
        raise ImportError("An array becomes an image with Pillow: pip install pillow") from exc
    is_flat = array.ndim == 2  # noqa: PLR2004 (height and width)
    if not (is_flat or (array.ndim == 3 and array.shape[2] in (1, 3, 4))) or 0 in array.shape:  # noqa: PLR2004 (height, width and colors)
        raise BadUsage(
            f"An array of shape {array.shape} is not an image.",
            hint="Give it the shape (height, width) or (height, width, 3 or 4).",
        )
    _check_pixels(array.shape[1], array.shape[0], "image")
    levels = _levels(array if is_flat or array.shape[2] > 1 else array[:, :, 0])
    return PIL.Image.fromarray(levels)


def _levels(array: Any) -> Any:
    """Bring pixels to bytes: true and false, floats from 0 to 1, whole numbers from 0 to 255."""
    if array.dtype.kind not in "buif":
        raise BadUsage(f"An array of {array.dtype} is not an image.", hint="Give it numbers.")
    top = 255 if array.dtype.kind in "ui" else 1
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= top):  # also where one is NaN
        raise BadUsage(
            f"The pixels go from {low} to {high}; {array.dtype} goes from 0 to {top}.",
            hint="Scale them first.",
        )
    return (array * (255 // top)).round().astype("uint8") if top == 1 else array.astype("uint8")


def _check_pixels(width: int, height: int, name: str) -> None:
    if width * height > PIXELS_LIMIT:
        raise _too_many_pixels(name, f": {width:,} x {height:,}")


def _too_many_pixels(name: str, size: str = "") -> BadUsage:
    limit = PIXELS_LIMIT // 1_000_000
    return BadUsage(
        f"The image {name!r} has more than {limit} million pixels{size}.",
        hint="Scale it down first.",
    )


def _no_image(name: str) -> BadUsage:
    return BadUsage(f"{name!r} is not an image that can be read.", hint="Use PNG, JPEG or WebP.")
