"""Files of each kind that is taken, and of kinds that are not, made as a program or a stranger would."""

import io
import struct
import zipfile
import zlib

import docx
import pypdfium2
from PIL import Image

SECRET_PLACE = b"SECRET-PLACE-OF-A-PHOTO"


def picture(form: str = "PNG", size: tuple[int, int] = (64, 32), *, mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, form)
    return out.getvalue()


def photo(size: tuple[int, int] = (400, 200)) -> bytes:
    """Return a JPEG that lies on its side and says where it was made."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = SECRET_PLACE.decode()
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, "JPEG", exif=exif, comment=SECRET_PLACE)
    return out.getvalue()


def odd_photo(size: tuple[int, int] = (40, 20)) -> bytes:
    """Return a JPEG that lies on its side, and says of its width, in a type that no width has, what some cameras say."""
    entries = ((0x0100, 1, 1, b"\x01"), (0x0112, 3, 1, b"\x06"))
    told = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    out = io.BytesIO()
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + told + bytes(4)
    Image.new("RGB", size, "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """Return a picture of a few kilobytes that is gigabytes unpacked."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


def drawn_often(scans: int) -> bytes:
    """Return a JPEG whose last scan comes so many times more."""
    whole = io.BytesIO()
    Image.new("RGB", (64, 32)).save(whole, "JPEG", progressive=True)
    data = whole.getvalue()
    last = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + last * scans + data[-2:]


def pdf(*pages: str) -> bytes:
    """Return a PDF with a line of text on each page."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for text in pages:
        words = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET".encode()
        objects.append(b"<</Length %d>>stream\n%b\nendstream" % (len(words), words))
        place = b"/Parent 2 0 R/MediaBox[0 0 300 200]/Resources<</Font<</F1 3 0 R>>>>"
        objects.append(b"<</Type/Page%b/Contents %d 0 R>>" % (place, len(objects)))
        kids.append(len(objects))
    objects[1] = b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    return make_pdf(objects)


def make_pdf(objects: list[bytes], *, more: bytes = b"") -> bytes:
    """Return a PDF of these objects; the first is its catalog. `more` stands in its trailer."""
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, more, start)
    return bytes(out)


def long_pdf(pages: int) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(100, 100)
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def word(*paragraphs: str, table: list[list[str]] | None = None) -> bytes:
    document = docx.Document()
    document.add_heading("The report", level=1)
    for one in paragraphs:
        document.add_paragraph(one)
    if table:
        made = document.add_table(len(table), len(table[0]))
        for row, cells in zip(made.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def word_with_links(url: str) -> bytes:
    """Return a document whose picture and template lie at somebody's server."""
    whole = io.BytesIO(word("Look at this."))
    out = io.BytesIO()
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(out, "w") as made:
        for part in given.infolist():
            data = given.read(part)
            if part.filename == "word/_rels/document.xml.rels":
                kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
                links = "".join(
                    f'<Relationship Id="rIdX{n}" Type="{kind}/{what}" Target="{url}/{what}" TargetMode="External"/>'
                    for n, what in enumerate(("image", "attachedTemplate", "hyperlink"))
                )
                data = data.replace(b"</Relationships>", f"{links}</Relationships>".encode())
            made.writestr(part, data)
    return out.getvalue()


def sheet(
    rows: list[list[str | float]], *, name: str = "Orders", more: bytes = b"", last: str = "", beside: str = ""
) -> bytes:
    """Return a workbook with one sheet, as a program writes it.

    `last` are rows behind the others, as they stand in it; `beside` is what stands in the workbook in front of the sheet; `r2` is a sheet that is not there.
    """

    def cell(at: str, value: str | float) -> str:
        if isinstance(value, str):
            return f'<c r="{at}" t="inlineStr"><is><t>{value}</t></is></c>'
        return f'<c r="{at}"><v>{value}</v></c>'

    lines = "".join(
        f'<row r="{n}">{"".join(cell(f"{chr(65 + at)}{n}", value) for at, value in enumerate(row))}</row>'
        for n, row in enumerate(rows, start=1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    ns = 'xmlns="' + main + '"'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{office}/worksheet" Target="worksheets/gone.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {ns} xmlns:r="{office}"><sheets>{beside}<sheet name="{name}" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f"<worksheet {ns}><sheetData>{lines}{last}</sheetData></worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for part, text in parts.items():
            made.writestr(part, text)
        if more:
            made.writestr("xl/more.bin", more)
    return out.getvalue()


def archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return out.getvalue()
