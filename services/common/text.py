"""A text for people, in the two languages of the network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["fr", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """The same sentence in French and in English; `{names}` are filled by `fill`."""

    fr: str
    en: str

    def fill(self, **values: object) -> "Text":
        """The sentence with these values; those that are texts are each in its language."""
        if not any(isinstance(value, Text) for value in values.values()):
            return Text(self.fr.format(**values), self.en.format(**values))
        french = {n: v.fr if isinstance(v, Text) else v for n, v in values.items()}
        english = {n: v.en if isinstance(v, Text) else v for n, v in values.items()}
        return Text(self.fr.format(**french), self.en.format(**english))

    def read(self, language: Language) -> str:
        return self.en if language == "en" else self.fr


YES, NO = Text("oui", "yes"), Text("non", "no")


def alike(text: str) -> Text:
    """What is written the same in both languages."""
    return Text(text, text)


def join_texts(separator: str, texts: Iterable[Text]) -> Text:
    every = list(texts)
    return Text(separator.join(t.fr for t in every), separator.join(t.en for t in every))


def say_code(code: str, words: Mapping[str, Text]) -> Text:
    """The word for a code; a code of nobody's list is shown as it is."""
    return words.get(code) or alike(code)


def choose_language(accept_language: str | None) -> Language:
    """Pick the language asked for (RFC 9110, 12.5.4); French unless English is preferred."""
    best: tuple[float, Language] = (0.0, "fr")
    for part in (accept_language or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        quality = 1.0
        name, _, value = parameters.strip().partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
        if primary in ("fr", "*") and quality > best[0]:
            best = (quality, "fr")
        elif primary == "en" and quality > best[0]:
            best = (quality, "en")
    return best[1]
