"""Which language the command line speaks: French, unless the environment asks for English."""

import os


def speaks_english() -> bool:
    """True when the first of LC_ALL, LC_MESSAGES and LANG that is set names English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return value.lower().startswith("en")
    return False


def text(french: str, english: str) -> str:
    """The one of two equal sentences that the reader understands."""
    return english if speaks_english() else french


class DeploymentError(Exception):
    """Something the person at the keyboard can act upon; said without a traceback."""

    def __init__(self, french: str, english: str) -> None:
        super().__init__(text(french, english))
        self.french = french
        self.english = english
