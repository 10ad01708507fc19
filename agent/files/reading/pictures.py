"""Pictures, made anew: what is written holds the pixels of the first frame and nothing else of the file that came."""

import struct
from typing import TYPE_CHECKING, BinaryIO

from agent.files.reading.order import Order, Report, UnreadableError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.Image import Transpose

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
PNG_BYTES = 2_000_000
"""A picture that is larger as a PNG is none that needs its every pixel."""
QUALITY = 88
ORIENTATION = 0x0112
SCAN = b"\xff\xda"
"""How a scan of a JPEG begins; within one these bytes do not stand."""
MOST_SCANS = 500
"""Programs make some ten."""


def read_picture(source: BinaryIO, out: BinaryIO, order: Order) -> Report:
    """Write a picture anew, turned as it is to be seen, at most `edge` pixels long, without its metadata."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = order.pixels
    try:
        with Image.open(source, formats=FORMATS) as found:
            width, height = found.size
            if width * height > order.pixels:
                raise UnreadableError(f"it has more than {order.pixels // 1_000_000} million pixels")
            has_photo = found.format in ("JPEG", "WEBP")
            if found.format == "JPEG":
                _check_scans(source)
                found.draft("RGB", (order.edge, order.edge))  # unpacked smaller where that is large enough
            found.load()
            turn = _turn(found)
    except Image.DecompressionBombError as exc:
        raise UnreadableError(f"it has more than {order.pixels // 1_000_000} million pixels") from exc
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError) as exc:
        raise UnreadableError("it is broken, or was cut") from exc
    plain: Picture = found
    if plain.mode[:1] == "I":  # 16 bits of grey, of which the library would keep the darkest 8
        plain = plain.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    mode = "RGBA" if plain.has_transparency_data else "RGB"
    plain = plain if plain.mode == mode else plain.convert(mode)
    plain.thumbnail((order.edge, order.edge), Image.Resampling.LANCZOS)
    plain = plain if turn is None else plain.transpose(turn)  # a small one, for each copy of a large one takes memory
    anew = Image.new(plain.mode, plain.size)
    anew.paste(plain)
    media_type = _write(anew, out, has_photo=has_photo)
    return Report(media_type, {"width": anew.width, "height": anew.height})


def _check_scans(source: BinaryIO) -> None:
    """Refuse a JPEG that is drawn so often that this takes minutes, which no program makes.

    Raises:
        UnreadableError: it is one.
    """
    source.seek(0)
    if source.read().count(SCAN) > MOST_SCANS:
        raise UnreadableError("it is drawn more often than pictures are")


def _turn(picture: "Picture") -> "Transpose | None":
    """Return how a picture is to be turned to be upright; not at all, where what cameras say of that is broken, as it often is."""
    from PIL.Image import Transpose

    # The values of Exif 2.3, 4.6.4 A, as the library's.
    turns = dict(zip(range(2, 9), (0, 3, 1, 5, 4, 6, 2), strict=True))
    try:
        turn = turns.get(picture.getexif().get(ORIENTATION, 1))
    except (struct.error, OSError, ValueError, SyntaxError, TypeError, LookupError):
        return None
    return None if turn is None else Transpose(turn)


def _write(picture: "Picture", out: BinaryIO, *, has_photo: bool) -> str:
    """Write it as what shows it best, and return its type."""
    from PIL import Image

    if not has_photo or picture.mode == "RGBA":
        picture.save(out, "PNG", optimize=False)
        if out.tell() <= PNG_BYTES:
            return "image/png"
        out.seek(0)
        out.truncate()
        if picture.mode == "RGBA":
            white = Image.new("RGB", picture.size, "white")
            white.paste(picture, mask=picture.getchannel("A"))
            picture = white
    picture.save(out, "JPEG", quality=QUALITY)
    return "image/jpeg"
