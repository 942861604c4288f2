import pytest

from datasets.sources import pictures


@pytest.mark.parametrize(
    "header,kind",
    [
        (b"\xff\xd8\xff\xe1", "JPEG"),
        (b"\x89PNG\r\n\x1a\n\0", "PNG"),
        (b"GIF89a", "GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
        (b"RIFF\x10\0\0\0AVI LIST", "video"),
        (b"BM\x46\0\0\0\0\0\0\0\x36", "BMP"),
        (b"BMW is a car", ""),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        # What a phone writes: the brand is a general one, HEIC stands behind it.
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
        (b"II*\0\x08\0\0\0", "TIFF or camera raw"),
        (b"8BPS\0\1", "Photoshop"),
        (b"", ""),
        (b"hello", ""),
    ],
)
def test_what_first_bytes_say(header, kind):
    assert pictures.kind(header) == kind


def test_a_name_is_asked_last():
    assert pictures.kind(b"hello", "a.HEIC") == "HEIC"
    assert pictures.kind(b"\xff\xd8\xff\xe1", "a.heic") == "JPEG"


def test_text_and_other_bytes():
    assert pictures.is_text("a line,\n\tof é".encode())
    assert not pictures.is_text(b"a\0b")
