"""Documents as people really have them: changes that nobody accepted, controls, boxes, notes, letterheads; forms and broken pages."""

import hashlib
import io
import struct
import zipfile

import docx
from docx.oxml.parser import parse_xml
from support.made_files import make_pdf

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_NAMES = (
    f'xmlns:w="{_W}" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _text(words: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{words}</w:t></w:r>'


def _line(words: str) -> str:
    return f"<w:p>{_text(words)}</w:p>"


def _box(words: str) -> str:
    inside = f"<w:txbxContent>{_line(words)}</w:txbxContent>"
    new = f'<mc:Choice Requires="wps"><w:drawing><wps:txbx>{inside}</wps:txbx></w:drawing></mc:Choice>'
    old = f"<mc:Fallback><w:pict><v:textbox>{inside}</v:textbox></w:pict></mc:Fallback>"
    return f"<w:r><mc:AlternateContent>{new}{old}</mc:AlternateContent></w:r>"


BODY = "".join(
    (
        f'<w:p>{_text("The fee is ")}<w:del w:id="1" w:author="a"><w:r><w:delText>GONE 90</w:delText></w:r></w:del>'
        f'<w:ins w:id="2" w:author="a">{_text("120")}</w:ins>{_text(" a month")}<w:r><w:footnoteReference w:id="2"/></w:r></w:p>',
        f"<w:sdt><w:sdtPr/><w:sdtContent>{_line('Name: <!-- first -->Ann<?x y?> Lee')}</w:sdtContent></w:sdt>",
        f"<w:p>{_text('Beside it:')}{_box('It ends in May.')}</w:p>",
        f'<w:p>{_text("Agreed ")}<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData></w:fldChar></w:r>'
        f"{_text('by both, ')}<w:r><w:rPr><w:vanish/></w:rPr><w:t>HIDDEN</w:t></w:r>"
        '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="monthly"/>'
        '<w:listEntry w:val="yearly"/></w:ddList></w:ffData></w:fldChar></w:r></w:p>',
        "<w:tbl><w:tblPr/>",
        f'<w:tr><w:tc><w:tcPr><w:vMerge w:val="restart"/></w:tcPr>{_line("May")}</w:tc><w:tc>{_line("1")}</w:tc></w:tr>',
        f"<w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr>{_line('')}</w:tc>"
        f'<w:tc><w:tcPr><w:cellDel w:id="4" w:author="a"/></w:tcPr>{_line("GONE CELL")}</w:tc><w:tc>{_line("2")}</w:tc></w:tr>',
        f'<w:tr><w:trPr><w:del w:id="3" w:author="a"/></w:trPr><w:tc>{_line("GONE ROW")}</w:tc></w:tr>',
        f"<w:sdt><w:sdtContent><w:tr><w:tc>{_line('June')}</w:tc><w:tc>{_line('3')}</w:tc></w:tr></w:sdtContent></w:sdt>",
        "</w:tbl>",
    )
)
TOLD = """\
[Header]
Lee & Sons, Graz

The fee is 120 a month [Footnote 2]

Name: Ann Lee

Beside it:

[Text box]
It ends in May.

Agreed ☒ by both, yearly

[Table 1]
1 | May | 1
2 | May | 2
3 | June | 3

[Footer]
Page 1 of 3

[Footnote 2] Without VAT.

"""


def word_of_all() -> bytes:
    """Return a document that has its words in every place where Word keeps some; `TOLD` is what whoever opens it reads."""
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Lee & Sons, Graz"
    document.sections[0].footer.paragraphs[0].text = "Page 1 of 3"
    whole, out = io.BytesIO(), io.BytesIO()
    document.save(whole)
    notes = f'<w:footnotes {_NAMES}><w:footnote w:id="-1"><w:p/></w:footnote><w:footnote w:id="2">{_line("Without VAT.")}</w:footnote></w:footnotes>'
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for part in given.infolist():
            data = given.read(part).decode() if part.filename.endswith((".xml", ".rels")) else given.read(part)
            if part.filename == "word/document.xml":
                assert isinstance(data, str)
                start, end = data.index("<w:body>") + len("<w:body>"), data.index("<w:sectPr")
                data = f"{data[:start]}{BODY.replace('<w:p>', f'<w:p {_NAMES}>')}{data[end:]}"
            elif part.filename == "word/_rels/document.xml.rels":
                link = f'<Relationship Id="rIdN" Type="{_OFFICE}/footnotes" Target="footnotes.xml"/>'
                data = str(data).replace("</Relationships>", f"{link}</Relationships>")
            elif part.filename == "[Content_Types].xml":
                data = str(data).replace(
                    "</Types>", f'<Override PartName="/word/footnotes.xml" ContentType="{kind}"/></Types>'
                )
            made.writestr(part, data)
        made.writestr("word/footnotes.xml", notes)
    return out.getvalue()


def word_of_kind(kind: str) -> bytes:
    """Return a document with macros, a template, or one of the strict form, whatever it is named."""
    document, whole, out = docx.Document(), io.BytesIO(), io.BytesIO()
    document.save(whole)
    main = b"openxmlformats-officedocument.wordprocessingml.document.main"
    changes = {
        "macros": {main: b"ms-word.document.macroEnabled.main"},
        "template": {main: b"openxmlformats-officedocument.wordprocessingml.template.main"},
        "strict": {b"schemas.openxmlformats.org/officeDocument/2006": b"purl.oclc.org/ooxml/officeDocument"},
    }[kind]
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for part in given.infolist():
            data = given.read(part)
            for old, new in changes.items():
                data = data.replace(old, new)
            made.writestr(part, data)
    return out.getvalue()


def word_with_numbers() -> bytes:
    """Return a document whose clauses and lists are numbered by Word alone, with a tick of Wingdings and a part of another form."""
    document = docx.Document()
    levels = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for at, (form, text) in enumerate((("decimal", "%1."), ("lowerLetter", "%1.%2)"), ("upperRoman", "(%3)")))
    )
    kinds = (
        f'<w:abstractNum {_NAMES} w:abstractNumId="90">{levels}</w:abstractNum>',
        f'<w:num {_NAMES} w:numId="90"><w:abstractNumId w:val="90"/></w:num>',
        f'<w:num {_NAMES} w:numId="91"><w:abstractNumId w:val="90"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>',
    )
    for kind in kinds:
        document.part.numbering_part.element.append(parse_xml(kind))
    for words, level, number in (
        ("Scope", 0, 90),
        ("", 1, 90),
        ("Fees", 1, 90),
        ("VAT", 2, 90),
        ("End", 0, 90),
        ("Again", 0, 91),
        ("Plain", 0, 0),
    ):
        place = document.add_paragraph(words)._p.get_or_add_pPr().get_or_add_numPr()
        place.get_or_add_ilvl().val, place.get_or_add_numId().val = level, number
    document.add_paragraph("Tea", style="List Bullet")
    document.add_paragraph("Milk", style="List Number")
    symbols = "".join(f'<w:sym w:font="Wingdings" w:char="{char}"/>' for char in ("F0FE", "20AC", "F001", "nonsense"))
    document.element.body.insert(-1, parse_xml(f"<w:p {_NAMES}><w:r>{symbols}</w:r></w:p>"))
    document.element.body.insert(-1, parse_xml(f"<w:altChunk {_NAMES}/>"))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


NUMBERED = ["1. Scope", "1.b) Fees", "(I) VAT", "2. End", "7. Again", "Plain", "• Tea", "1. Milk", "☒€\ufffd\ufffd"]


def filled_form() -> bytes:
    """Return a PDF with a form in which a name and a tick were put, and with a remark on its page."""
    field = b"<</Type/Annot/Subtype/Widget/Rect[20 20 100 40]/P 4 0 R"
    return make_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R 7 0 R 12 0 R]>>>>",
            b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Resources<</Font<</F1 3 0 R>>>>/Contents 5 0 R/Annots[6 0 R 7 0 R 8 0 R 10 0 R 11 0 R 13 0 R]>>",
            b"<</Length 37>>stream\nBT /F1 12 Tf 20 100 Td (Request) Tj ET\nendstream",
            field + b"/FT/Tx/T(surname)/V(Lee)>>",
            field + b"/FT/Btn/T(agreed)/V/Yes/AS/Yes/AP<</N<</Yes 9 0 R/Off 9 0 R>>>>>>",
            b"<</Type/Annot/Subtype/FreeText/Rect[20 50 100 60]/Contents(Call back by Friday)/DA(/F1 9 Tf)>>",
            b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 0>>stream\n\nendstream",
            b"<</Type/Annot/Subtype/Highlight/Rect[20 100 60 110]/QuadPoints[20 110 60 110 20 100 60 100]/Contents(Which one?)>>",
            field + b"/T(street)/Parent 12 0 R>>",
            b"<</FT/Tx/T(address)/V(Main St 1)/Kids[11 0 R]>>",
            field + b"/FT/Btn/T(paid)/V/Off/AS/Off/AP<</N<</Yes 9 0 R/Off 9 0 R>>>>>>",
        ]
    )


def pdf_with_a_file(*, more: bytes = b"") -> bytes:
    """Return a PDF of a page without words that has a file within it. `more` stands in its trailer."""
    named = b"/Names<</EmbeddedFiles<</Names[(a.txt) 4 0 R]>>>>"
    return make_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R%b>>" % named,
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
            b"<</Type/Filespec/F(a.txt)/EF<</F 5 0 R>>>>",
            b"<</Type/EmbeddedFile/Length 5>>stream\nwords\nendstream",
        ],
        more=more,
    )


def large_form(fields: int, *, pages: int) -> bytes:
    """Return a PDF with so many fields on its pages, each filled in with its number; no field is of another one."""
    per_page = fields // pages
    page_ids = [3 + page * (per_page + 1) for page in range(pages)]
    objects = [b"", b"<</Type/Pages/Count %d/Kids[%b]>>" % (pages, b" ".join(b"%d 0 R" % one for one in page_ids))]
    every: list[int] = []
    for page_id in page_ids:
        field_ids = range(page_id + 1, page_id + 1 + per_page)
        refs = b" ".join(b"%d 0 R" % one for one in field_ids)
        objects.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots[%b]>>" % refs)
        kind = b"<</Type/Annot/Subtype/Widget/Rect[0 0 9 9]/P %d 0 R/FT/Tx" % page_id
        objects += [kind + b"/T(f%d)/V(v%d)>>" % (one, one) for one in field_ids]
        every += field_ids
    refs = b" ".join(b"%d 0 R" % one for one in every)
    objects[0] = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%b]>>>>" % refs
    return make_pdf(objects)


def pdf_with_remarks(count: int) -> bytes:
    """Return a PDF of one page with so many remarks on it, and nothing else."""
    remark = b"<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(Hi)>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots[%b]>>" % (remark * count)
    return make_pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>", page])


def pdf_with_a_broken_page() -> bytes:
    """Return a PDF of three pages whose second one is not there."""
    line = b"<</Length %d>>stream\nBT /F1 12 Tf 20 100 Td (%b) Tj ET\nendstream"
    place = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
    first, last = b"BT /F1 12 Tf 20 100 Td (First) Tj ET", b"BT /F1 12 Tf 20 100 Td (Last) Tj ET"
    return make_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 3/Kids[4 0 R 99 0 R 6 0 R]>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            place % 5,
            line % (len(first), b"First"),
            place % 7,
            line % (len(last), b"Last"),
        ]
    )


def locked_pdf(password: bytes = b"") -> bytes:
    """Return a PDF whose page nobody reads without a password; without one here only its rights are locked, and anybody opens it.

    The oldest way to lock one, which all programs know: ISO 32000-1, 7.6, with keys of 40 bits.
    """
    filling = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    named, rights = b"0123456789abcdef", struct.pack("<i", -64)
    user = (password + filling)[:32]
    owner = _rc4(_digest((b"owner" + filling)[:32])[:5], user)
    key = _digest(user + owner + rights + named)[:5]
    place = struct.pack("<I", 5)[:3] + b"\0\0"
    said = _rc4(_digest(key + place)[:10], b"BT /F1 12 Tf 20 100 Td (Locked words) Tj ET")
    how = b"<</Filter/Standard/V 1/R 2/P -64/O<%b>/U<%b>>>" % (owner.hex().encode(), _rc4(key, filling).hex().encode())
    return make_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Resources<</Font<</F1 3 0 R>>>>/Contents 5 0 R>>",
            b"<</Length %d>>stream\n%b\nendstream" % (len(said), said),
            how,
        ],
        more=b"/Encrypt 6 0 R/ID[<%b><%b>]" % (named.hex().encode(), named.hex().encode()),
    )


def _digest(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _rc4(key: bytes, data: bytes) -> bytes:
    state, at = list(range(256)), 0
    for number in range(256):
        at = (at + state[number] + key[number % len(key)]) % 256
        state[number], state[at] = state[at], state[number]
    out, first, second = bytearray(), 0, 0
    for byte in data:
        first = (first + 1) % 256
        second = (second + state[first]) % 256
        state[first], state[second] = state[second], state[first]
        out.append(byte ^ state[(state[first] + state[second]) % 256])
    return bytes(out)
