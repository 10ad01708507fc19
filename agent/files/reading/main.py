"""The process's one function: an order comes as its argument, the file as its input; it writes to the file that it was given.

It is started as `python -I -c …` with no environment, by `agent/files/reader.py`, which believes nothing that it says.
"""

import json
import os
import sys

from agent.files.reading.limits import confine
from agent.files.reading.order import CSV, DOCX, PDF, PICTURE, TEXT, XLSX, Order, Report, UnreadableError


def main(said: str, output: int) -> None:
    """Do what an order says with the file on standard input; write what comes of it to `output`, and a report in a line."""
    order = Order(**json.loads(said))
    is_alone = confine(memory_bytes=order.memory_bytes, cpu_s=order.cpu_s, output_bytes=order.output_bytes)
    try:
        report = _read(order, output)
        report.about["is_offline"] = is_alone
    except UnreadableError as exc:
        report = Report(error=str(exc))
    except (MemoryError, RecursionError):
        report = Report(error="unpacked it takes more memory than a file may")
    os.write(1, report.to_json().encode())


def _read(order: Order, output: int) -> Report:
    with os.fdopen(0, "rb", closefd=False) as source, os.fdopen(output, "r+b") as out:
        if order.kind == PICTURE:
            from agent.files.reading.pictures import read_picture

            return read_picture(source, out, order)
        from agent.files.reading.pdf import read_pdf
        from agent.files.reading.tables import read_csv, read_xlsx
        from agent.files.reading.texts import read_text
        from agent.files.reading.word import read_docx
        from agent.files.reading.writing import Text

        readers = {PDF: read_pdf, DOCX: read_docx, XLSX: read_xlsx, CSV: read_csv, TEXT: read_text}
        text = Text(out, most=order.characters)
        report = readers[order.kind](source, text, order)
        report.about["characters"] = text.characters
        return report


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
