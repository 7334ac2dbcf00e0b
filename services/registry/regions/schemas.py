"""What is answered about regions."""

from services.common.fields import Answer, RegionCode


class RegionAnswer(Answer):
    code: RegionCode
    name: str


class RegionList(Answer):
    items: list[RegionAnswer]
    next: str | None = None
