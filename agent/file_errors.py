"""Why a file is not taken: part of the tree in `agent/errors.py`. The texts are written for whoever sent it."""

from agent.errors import RequestError


class FileTooLargeError(RequestError):
    """The file has more bytes than one may."""

    code = "file_too_large"


class UnsupportedFileError(RequestError):
    """The file is of a kind that is not taken here, whatever its name says."""

    code = "unsupported_file"


class UnreadableFileError(RequestError):
    """The file is broken, cut, or more than a file may be once it is unpacked."""

    code = "unreadable_file"


class FileInUseError(RequestError):
    """A message has the file: it goes with its conversation."""

    code = "file_in_use"
