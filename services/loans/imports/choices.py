"""The words of each code for whoever fills a sheet; a test holds them to the codes."""

from collections.abc import Mapping

from services.common.columns import Choice
from services.common.text import Text
from services.loans import vocabulary


def _choices(words: Mapping[str, str], shown: Mapping[str, Text]) -> tuple[Choice, ...]:
    return tuple(
        Choice(code, word, tuple(each for each, meant in words.items() if meant == code))
        for code, word in shown.items()
    )


BORROWER_KINDS = _choices(vocabulary.BORROWER_KIND_WORDS, vocabulary.BORROWER_KIND_SHOWN)
GENDERS = _choices(vocabulary.GENDER_WORDS, vocabulary.GENDER_SHOWN)
PRODUCTS = _choices(vocabulary.PRODUCT_WORDS, vocabulary.PRODUCT_SHOWN)
STAGES = _choices(vocabulary.STAGE_WORDS, vocabulary.STAGE_SHOWN)
CLIENTELES = _choices(vocabulary.CLIENTELE_WORDS, vocabulary.CLIENTELE_SHOWN)
FREQUENCIES = _choices(vocabulary.FREQUENCY_WORDS, vocabulary.FREQUENCY_SHOWN)
COACHING_MODES = _choices(vocabulary.COACHING_MODE_WORDS, vocabulary.COACHING_MODE_SHOWN)
COACHING_STAGES = _choices(vocabulary.COACHING_STAGE_WORDS, vocabulary.COACHING_STAGE_SHOWN)
BUSINESS_STATUSES = _choices(vocabulary.BUSINESS_STATUS_WORDS, vocabulary.BUSINESS_STATUS_SHOWN)
