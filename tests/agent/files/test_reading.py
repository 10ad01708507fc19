"""A file in the process that opens it: text in which pages and cells can be named, a picture made anew, or why not."""

import io
import resource
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import made_documents, made_files
from support.each import each
from support.rows import ANN

from agent.file_errors import UnreadableFileError, UnsupportedFileError
from agent.files.kinds import HEAD_BYTES, kind_of
from agent.files.names import safe_name
from agent.files.reader import Bounds, Opened, Reader
from agent.files.reading.order import Order
from agent.files.reading.tables import read_csv
from agent.files.reading.writing import Text


async def opened(folder: Path, name: str, data: bytes, **bounds: Any) -> tuple[Opened, bytes]:
    source, out = folder / "in", folder / "out"
    source.write_bytes(data)
    out.write_bytes(b"")
    kind = kind_of(data[:HEAD_BYTES], name)
    found = await Reader(Bounds(**{"timeout_s": 200, **bounds})).open(ANN, source, out, kind)
    return found, out.read_bytes()


async def text_of(folder: Path, name: str, data: bytes, **bounds: Any) -> tuple[str, dict[str, Any]]:
    found, written = await opened(folder, name, data, **bounds)
    return written.decode(), found.about


async def test_a_table_of_lines_is_told_with_its_rows_and_columns(tmp_path: Path) -> None:
    data = "name;amount\nAnn;3,5\nBob;=HYPERLINK(1)\nCid;-7\nDee;+49 30\nEve;@cmd\n".encode("utf-16")
    text, about = await text_of(tmp_path, "t.csv", data)
    assert text.splitlines() == [
        "  | A | B",
        "1 | name | amount",
        "2 | Ann | 3,5",
        '3 | Bob | "=HYPERLINK(1)"',
        "4 | Cid | -7",
        "5 | Dee | +49 30",
        '6 | Eve | "@cmd"',
    ]
    assert about | {"characters": 0} == {"rows": 6, "columns": 2, "has_header": True, "characters": 0}


TABLES: dict[str, tuple[bytes, str, dict[str, Any]]] = {
    "decimals with a comma": (b"3,5;4,1\n4,0;5,2\n", "  | A | B\n1 | 3,5 | 4,1\n2 | 4,0 | 5,2\n", {"columns": 2}),
    "a hint that parts nothing": (b'sep="\n1,2\n3,4', '  | A | B\n1 | sep="\n2 | 1 | 2\n3 | 3 | 4\n', {"rows": 3}),
    "a hint for a program": (b"sep=|\r\na|b;c\r\n1|2;3", "  | A | B\n1 | a | b;c\n2 | 1 | 2;3\n", {"rows": 2}),
    "a title above it": (b"2026\n\nx\ty\n", "  | A | B\n1 | 2026\n2 | x | y\n", {"columns": 2, "has_header": False}),
    "a sign within quotes": (
        b'a,b\n1,"x; y\nz; 2"\n',
        "  | A | B\n1 | a | b\n2 | 1 | x; y z; 2\n",
        {"has_header": True},
    ),
    "the same in every row": (b'1,"x; y"\n2,"z; y"\n', "  | A | B\n1 | 1 | x; y\n2 | 2 | z; y\n", {"columns": 2}),
    "one broken letter": ("ö,ü\nä,".encode() + b"\xe4\n", "  | A | B\n1 | ö | ü\n2 | ä | \ufffd\n", {"rows": 2}),
    "an old program's letters": ("ö,ü\n".encode("cp1252"), "  | A | B\n1 | ö | ü\n", {"rows": 1}),
    "nothing but lines": (b"\n\n", "  | \n", {"rows": 0, "columns": 0}),
}


@each("case", TABLES)
def test_a_table_is_parted_as_whoever_made_it_meant(case: str) -> None:
    """G626"""
    data, told, known = TABLES[case]
    out = io.BytesIO()
    report = read_csv(io.BytesIO(data), Text(out, most=1000), Order("csv", 0, 0, 0, stop_after_s=60))
    assert out.getvalue().decode() == told
    assert report.about | known == report.about


async def test_a_workbook_is_told_with_the_places_of_its_cells(tmp_path: Path) -> None:
    rows: list[list[str | float]] = [["city", "share"], ["Graz", 2.5], ["Wien", 3]]
    text, about = await text_of(tmp_path, "t.xlsx", made_files.sheet(rows))
    assert text == '[Sheet "Orders": 3 rows, 2 columns]\n  | A | B\n1 | city | share\n2 | Graz | 2.5\n3 | Wien | 3\n\n'
    assert (about["sheets"], about["rows"]) == (1, 3)


async def test_what_stands_far_away_in_a_sheet_takes_no_room_for_the_rest(tmp_path: Path) -> None:
    """G627"""
    far = made_files.sheet([["a"]], last='<row r="1048576"><c r="B1048576"><v>2</v></c></row>')
    text, about = await text_of(tmp_path, "t.xlsx", far)
    assert text.splitlines()[1:] == ["  | A | B", "1 | a", "1048576 |  | 2", ""]
    assert about | {"rows": 1_048_576} == about
    assert "is_cut" not in about
    gone = '<sheet name="Gone" sheetId="2" state="hidden" r:id="r2"/>'
    text, about = await text_of(tmp_path, "t.xlsx", made_files.sheet([["a"]], beside=gone))
    assert text.splitlines()[:3] == ['[Sheet "Gone", hidden]', "(This sheet cannot be read.)", ""]
    assert text.splitlines()[3] == '[Sheet "Orders": 1 rows, 1 columns]'
    assert about["sheets_broken"] == 1
    beyond = made_files.sheet([], last='<row r="4294967295"><c r="A4294967295"><v>2</v></c></row>')
    with pytest.raises(UnreadableFileError, match="broken"):
        await opened(tmp_path, "t.xlsx", beyond)


async def test_a_document_is_told_with_its_headings_and_tables(tmp_path: Path) -> None:
    data = made_files.word("First.", "Second.", table=[["a", "b"], ["1", "2"]])
    text, about = await text_of(tmp_path, "t.docx", data)
    assert text == "# The report\n\nFirst.\n\nSecond.\n\n[Table 1]\n1 | a | b\n2 | 1 | 2\n\n"
    assert (about["paragraphs"], about["tables"]) == (3, 1)


async def test_all_that_whoever_opens_a_document_reads_is_told_and_nothing_that_was_deleted(tmp_path: Path) -> None:
    """G630"""
    text, about = await text_of(tmp_path, "t.docx", made_documents.word_of_all())
    assert text == made_documents.TOLD
    assert (about["paragraphs"], about["tables"]) == (5, 1)
    text, about = await text_of(tmp_path, "t.docx", made_documents.word_with_numbers())
    assert (text.split("\n\n")[:-1], about["parts_unread"]) == (made_documents.NUMBERED, 1)


async def test_a_pdf_is_told_with_what_was_filled_in_and_without_its_broken_pages(tmp_path: Path) -> None:
    """G631"""
    text, _ = await text_of(tmp_path, "t.pdf", made_documents.filled_form())
    assert text.splitlines()[1:-1] == [
        "Request",
        "[Field] surname: Lee",
        "[Field] agreed: ☒ Yes",
        "[Remark] Call back by Friday",
        "[Remark] Which one?",
        "[Field] address.street: Main St 1",
    ]
    began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    text, _ = await text_of(tmp_path, "t.pdf", made_documents.large_form(8000, pages=4))
    assert text.count("[Field]") == 8000
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began < 1.5, "fields are looked for among all fields"
    text, _ = await text_of(tmp_path, "t.pdf", made_documents.pdf_with_remarks(2001))
    assert text.splitlines()[-3:-1] == ["[Remark] Hi", "(This page has more fields and remarks, which are not read.)"]
    text, about = await text_of(tmp_path, "t.pdf", made_documents.pdf_with_a_broken_page())
    assert text == "[Page 1]\nFirst\n\n[Page 2]\n(This page cannot be read.)\n\n[Page 3]\nLast\n\n"
    assert (about["pages"], about["pages_broken"]) == (3, 1)
    _, about = await text_of(tmp_path, "t.pdf", made_documents.pdf_with_a_file())
    assert (about["parts_unread"], about["has_text"]) == (1, False)


async def test_what_is_left_out_of_a_table_is_said(tmp_path: Path) -> None:
    """G583"""
    wide = ",".join(str(n) for n in range(1001))
    text, about = await text_of(tmp_path, "t.csv", f"{wide}\n1,2\n".encode())
    assert (about["columns"], about["is_cut"], text.splitlines()[1].count("|")) == (1001, True, 1000)
    text, about = await text_of(tmp_path, "t.csv", b"a,b\n" + b"x" * 40_000 + b",2\n")
    assert (about["is_cut"], text.splitlines()[2]) == (True, f"2 | {'x' * 32_767} … | 2")
    order = Order("csv", 0, 0, 0, stop_after_s=-1)
    report = read_csv(io.BytesIO(b"a,b\n" * 5000), Text(io.BytesIO(), most=10**6), order)
    assert report.about == {"rows_read": 1000, "columns": 2, "has_header": True, "is_cut": True}
    page = "A page in a table, as many a form has it. " * 200
    text, about = await text_of(tmp_path, "t.docx", made_files.word(table=[[page, "b"]]))
    assert ("is_cut" in about, page.strip() in text) == (False, True)


async def test_a_picture_of_sixteen_bits_keeps_its_greys(tmp_path: Path) -> None:
    grey = Image.new("I;16", (2, 1))
    for at, level in enumerate((20_000, 40_000)):
        grey.putpixel((at, 0), level)
    out = io.BytesIO()
    grey.save(out, "PNG")
    _, written = await opened(tmp_path, "x.png", out.getvalue())
    with Image.open(io.BytesIO(written)) as anew:
        assert [anew.convert("L").getpixel((at, 0)) for at in range(2)] == [78, 156]


async def test_a_pdf_whose_rights_alone_are_locked_is_read(tmp_path: Path) -> None:
    text, _ = await text_of(tmp_path, "t.pdf", made_documents.locked_pdf())
    assert text == "[Page 1]\nLocked words\n\n"


async def test_a_pdf_is_told_page_by_page(tmp_path: Path) -> None:
    text, about = await text_of(tmp_path, "t.pdf", made_files.pdf("Hello", "World"))
    assert text == "[Page 1]\nHello\n\n[Page 2]\nWorld\n\n"
    assert (about["pages"], about["has_text"]) == (2, True)


async def test_a_pdf_of_ten_thousand_pages_is_read_up_to_a_page_and_that_is_said(tmp_path: Path) -> None:
    text, about = await text_of(tmp_path, "t.pdf", made_files.long_pdf(10_000), pages=50)
    assert (about["pages"], about["pages_read"], about["is_cut"], about["has_text"]) == (10_000, 50, True, False)
    assert "[Page 50]" in text
    assert "[Page 51]" not in text


async def test_a_long_text_is_cut_and_that_is_said(tmp_path: Path) -> None:
    text, about = await text_of(tmp_path, "t.md", ("ü" * 3000).encode(), characters=1000)
    assert (text, about["is_cut"]) == ("ü" * 1000, True)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_a_picture_is_made_anew(tmp_path: Path, form: str) -> None:
    found, written = await opened(tmp_path, "x", made_files.picture(form))
    with Image.open(io.BytesIO(written)) as anew:
        assert anew.size == (64, 32)
        assert Image.MIME[str(anew.format)] == found.kind.media_type
    assert found.kind.media_type == ("image/jpeg" if form in ("JPEG", "WEBP") else "image/png")


async def test_a_photo_loses_what_it_says_of_its_place_and_stands_upright_and_small(tmp_path: Path) -> None:
    data = made_files.photo((3000, 1500))
    assert made_files.SECRET_PLACE in data
    _, written = await opened(tmp_path, "x.jpg", data)
    assert made_files.SECRET_PLACE not in written
    with Image.open(io.BytesIO(written)) as anew:
        assert anew.size == (1024, 2048)
        assert not anew.getexif()


async def test_a_photo_stands_upright_whatever_else_its_camera_says_of_it(tmp_path: Path) -> None:
    _, written = await opened(tmp_path, "x.jpg", made_files.odd_photo((40, 20)))
    with Image.open(io.BytesIO(written)) as anew:
        assert anew.size == (20, 40)


async def test_a_large_picture_that_lies_on_its_side_is_taken(tmp_path: Path) -> None:
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGBA", (7000, 5000)).save(data, "PNG", exif=exif)
    found, _ = await opened(tmp_path, "x.png", data.getvalue(), memory_bytes=550 * 1024 * 1024)
    assert found.about == {"width": 1463, "height": 2048}


async def test_a_picture_that_is_a_page_as_well_keeps_its_pixels_only(tmp_path: Path) -> None:
    page = b"<html><script>alert(1)</script></html>"
    _, written = await opened(tmp_path, "x.png", made_files.picture() + page)
    assert b"script" not in written


BROKEN = {
    "a picture bomb": ("x.png", made_files.bomb(), "million pixels"),
    "a picture drawn a hundred thousand times": ("x.jpg", made_files.drawn_often(100_000), "more often"),
    "a picture that was cut": ("x.jpg", made_files.photo()[:-2000], "broken"),
    "a PDF that was cut": ("x.pdf", made_files.pdf("Hello")[:60], "broken"),
    "a PDF with a password": ("x.pdf", made_documents.locked_pdf(b"secret"), "locked by a password"),
    "a PDF that is locked otherwise": (
        *("x.pdf", made_documents.pdf_with_a_file(more=b"/Encrypt<</Filter/Foo/V 9>>"), "locked in a way"),
    ),
    "a PDF that is an archive": ("x.pdf", made_files.pdf("Hi") + made_files.archive(evil=b"x"), "an archive at once"),
    "an archive named as a document": ("x.docx", made_files.archive(evil=b"x"), "not the document"),
    "an archive named as a workbook": ("x.xlsx", made_files.archive(evil=b"x"), "not the document"),
    "a workbook that is huge unpacked": ("x.xlsx", made_files.sheet([["a"]], more=bytes(25_000_000)), "unpacked"),
    "a document that was cut": ("x.docx", made_files.word("Hello")[:-500], "broken"),
    "a document with macros": ("x.docx", made_documents.word_of_kind("macros"), "macros"),
    "a template": ("x.docx", made_documents.word_of_kind("template"), "template"),
    "a document of the strict form": ("x.docx", made_documents.word_of_kind("strict"), "strict"),
    "a table without an end": ("x.csv", b'a,b\n1,"' + b"x" * 1_100_000, "no table"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_what_cannot_be_read_is_refused_in_words(tmp_path: Path, case: str) -> None:
    name, data, says = BROKEN[case]
    with pytest.raises(UnreadableFileError, match=says):
        await opened(tmp_path, name, data, unpacked_bytes=20_000_000)


async def test_a_file_that_takes_too_long_is_given_up_and_its_process_ended(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="too long"):
        await opened(tmp_path, "x.csv", b"a,b\n" * 1_000_000, timeout_s=0.05)
    _, about = await text_of(tmp_path, "x.csv", b"a,b\n1,2\n")
    assert about["rows"] == 2


async def test_a_file_that_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="memory"):
        await opened(tmp_path, "x.png", made_files.picture(size=(6000, 6000)), memory_bytes=120 * 1024 * 1024)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.txt", b"MZ\x90\x00\x03\x00\x00\x00"),
        ("x.txt", b"<!DOCTYPE html><html>hello</html>"),
        ("x.csv", b'\xef\xbb\xbf <svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">'),
        ("x.zip", made_files.archive(a=b"x")),
        ("x.png", b"RIFF\x00\x00\x00\x00WAVEfmt "),
        ("x.rtf", b"{\\rtf1 hello}"),
        ("x.bmp", made_files.picture("BMP")),
    ],
)
def test_kinds_that_are_not_on_the_list_are_refused_whatever_their_name(name: str, data: bytes) -> None:
    with pytest.raises(UnsupportedFileError):
        kind_of(data, name)


def test_a_kind_is_told_by_the_bytes_and_not_by_the_name() -> None:
    assert kind_of(made_files.pdf("x"), "photo.png").media_type == "application/pdf"
    for before in (b"\r\n", b"\xef\xbb\xbf"):  # as programs write it by mistake
        assert kind_of(before + made_files.pdf("x"), "x.txt").media_type == "application/pdf"
    assert kind_of(b"just words", "x.pdf").media_type == "text/plain"
    with pytest.raises(UnsupportedFileError, match="password"):
        kind_of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "x.docx")
    with pytest.raises(UnreadableFileError, match="empty"):
        kind_of(b"", "x.png")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\Users\\me\\a.png", "a.png"),
        ("inv\u202egnp.exe", "invgnp.exe.png"),
        ("a\x00b\r\nc\u200b.PNG", "abc.png"),
        ("", "file.png"),
        ("...png", "png.png"),
        ("x" * 500 + ".png", "x" * 108 + ".png"),
        ("\ud800.png", "�.png"),
        ("Grüße 2026.png", "Grüße 2026.png"),
    ],
)
def test_a_name_is_one_that_can_be_shown_and_written_anywhere(given: str, name: str) -> None:
    assert safe_name(given, kind_of(made_files.picture(), given)) == name
