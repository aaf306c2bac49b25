"""What can go wrong in the commands themselves; each ends a command with its message and status 1.

ScriptError (MaskloopError)
├── StartError (RuntimeError)                     a server did not come up, or ended
├── LabelStudioMissingError (FileNotFoundError)   Label Studio is not installed where it should be
├── DemoRunningError (RuntimeError)               another demo uses the folder
├── DownloadError (RuntimeError)                  a file could not be fetched, or is not what was promised
├── ServiceAnswerError (RuntimeError)             a running service refused or failed a request
├── PrepareError (ValueError)                     pictures cannot be prepared, or masks not be written
└── NothingMeasuredError (ValueError)             no object is left to measure with
"""

from models.errors import MaskloopError


class ScriptError(MaskloopError):
    """Root of the commands' own errors."""


class StartError(ScriptError, RuntimeError):
    """A server did not come up, or ended; the message has the end of its log."""


class LabelStudioMissingError(ScriptError, FileNotFoundError):
    """There is no Label Studio program in the given environment; the message says what installs it."""


class DemoRunningError(ScriptError, RuntimeError):
    """Another demo uses the folder."""


class DownloadError(ScriptError, RuntimeError):
    """A file could not be fetched, or is not what was promised; the message says what to do."""


class ServiceAnswerError(ScriptError, RuntimeError):
    """A running service could not be reached, or refused or failed a request; the message has its words."""


class NothingMeasuredError(ScriptError, ValueError):
    """No object is left to measure with; the message says what to change."""


class PrepareError(ScriptError, ValueError):
    """Pictures cannot be prepared, or masks not be written; the message says what to change."""
