"""What a file is by its first bytes, whatever its name says."""

import os
import stat

# Bytes that `kind` looks at.
HEADER_BYTES = 64

# Names that hold no picture of a data set, though some lie in every folder out of an archive, off
# a Mac, a PC or a network drive (whose `@eaDir` is full of thumbnails).
_JUNK = frozenset({
    "__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found",
    "system volume information",
})  # fmt: skip

USABLE = ("JPEG", "PNG", "GIF", "BMP", "WebP")

_STARTS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF or camera raw"),
    (b"MM\0*", "TIFF or camera raw"),
    (b"IIRO", "camera raw"),
    (b"IIU\0", "camera raw"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"<svg", "SVG"),
    (b"\x1aE\xdf\xa3", "video"),
)
# What stands behind "ftyp" in the files of phones: the first that fits, video where none does.
_BRANDS = (
    (("avif", "avis"), "AVIF"),
    # mif1 and msf1 are any kind of picture: HEIC, if nothing more exact stands there.
    (("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"), "HEIC"),
    (("crx ",), "camera raw"),
)

# What a name says where the bytes say nothing.
_NAMED = {
    ".heic": "HEIC", ".heif": "HEIC", ".avif": "AVIF", ".tif": "TIFF or camera raw",
    ".tiff": "TIFF or camera raw", ".dng": "camera raw", ".cr2": "camera raw",
    ".cr3": "camera raw", ".nef": "camera raw", ".arw": "camera raw", ".jp2": "JPEG 2000",
    ".jxl": "JPEG XL", ".psd": "Photoshop", ".svg": "SVG",
}  # fmt: skip
# Shot together with a picture, of which nothing is lost without them.
SHOT_TOGETHER = ("video", "camera raw", "TIFF or camera raw")

_WAYS = {
    "HEIC": "heif-convert IN.heic OUT.jpg (of libheif), or on a Mac sips -s format jpeg *.heic "
    "--out DIR",
    "AVIF": "avifdec IN.avif OUT.png (of libavif)",
    "SVG": "rsvg-convert IN.svg -o OUT.png",
}


def kind(header: bytes, name: str = "") -> str:
    """What begins with `header`: one of `USABLE`, another kind of picture or video, or nothing.

    `name` is asked where the bytes say nothing.
    """
    for start, found in _STARTS:
        if header.startswith(start):
            return found
    if header[:4] == b"RIFF":
        return {b"WEBP": "WebP", b"AVI ": "video"}.get(header[8:12], "")
    if header[4:8] == b"ftyp":
        # The main brand and, after its version, those that it is compatible with.
        words = [header[8:12], *(header[at : at + 4] for at in range(16, len(header), 4))]
        brands = {word.decode("latin-1") for word in words}
        return next((found for known, found in _BRANDS if brands & set(known)), "video")
    # Last: two bytes are soon equal. Four that are zero stand behind the size in every BMP.
    if header[:2] == b"BM" and header[6:10] == bytes(4):
        return "BMP"
    return _NAMED.get(os.path.splitext(name)[1].lower(), "")


def refusal(name: str) -> str:
    """Why a file of the kind `name`, which is not `USABLE`, is left out, and what to do."""
    if name == "video":
        return "a video, no picture"
    way = f": {_WAYS[name]}" if name in _WAYS else ""
    return f"a {name} file, which training cannot read; convert it to JPEG or PNG first{way}"


def is_junk(name: str) -> bool:
    """Whether a file or folder of that name is hidden or left behind by an operating system."""
    return name.startswith(".") or name.lower() in _JUNK


def read_header(path: str) -> bytes:
    """The first bytes of a regular file; OSError for what is none, or cannot be read."""
    # Opening a pipe would wait for somebody to write.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("no regular file")
    with open(path, "rb") as file:
        return file.read(HEADER_BYTES)


def is_text(header: bytes) -> bool:
    """Whether bytes look like a piece of text, or are none at all."""
    return not any(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in header)
