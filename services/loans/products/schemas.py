"""A version of a product as it is posted and as it is shown."""

from datetime import date

from services.common.fields import Answer, CalendarDate
from services.loans.products.rules import ProductRules
from services.loans.vocabulary import Product


class ProductBody(ProductRules):
    """A new version, in force from `effective_from` on; what a rule leaves out is free."""

    code: Product
    effective_from: CalendarDate

    def to_rules(self) -> ProductRules:
        kept = self.model_dump_json(include=set(ProductRules.model_fields))
        return ProductRules.model_validate_json(kept)


class ProductAnswer(ProductRules):
    """`effective_until` is the last day in force, when a later version is on record."""

    code: str
    version: int
    effective_from: date
    effective_until: date | None


class ProductList(Answer):
    items: list[ProductAnswer]
    next: str | None = None
