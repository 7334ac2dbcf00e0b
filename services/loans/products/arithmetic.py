"""Which version of a product a loan is signed under, and where the loan departs from it."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import TypeVar

from services.common.calendar import Frequency, add_months, add_periods
from services.common.errors import InputError
from services.common.money import format_cents, format_rate
from services.common.text import NO, YES, Text, alike, say_code
from services.loans.positions.facts import Accrual, AllocationOrder, MoratoriumKind
from services.loans.products.rules import (
    Eligibility,
    FeeLimits,
    Limits,
    Moratoria,
    ProductRules,
)
from services.loans.schedules.terms import ScheduleTerms
from services.loans.vocabulary import (
    BORROWER_KIND_SHOWN,
    FREQUENCY_SHOWN,
    STAGE_SHOWN,
    BorrowerKind,
)

Ordered = TypeVar("Ordered", int, Decimal, date)


@dataclass(frozen=True, slots=True)
class ProductVersion:
    """In force from `effective_on` until the next version of the same product."""

    code: str
    version: int
    effective_on: date
    rules: ProductRules


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every version of every product, by code, the oldest first."""

    versions: Mapping[str, Sequence[ProductVersion]]

    def find_in_force(self, code: str, on: date) -> ProductVersion | None:
        """The version a loan signed on that day is signed under."""
        versions = self.versions.get(code, ())
        place = bisect_right(versions, on, key=lambda version: version.effective_on)
        return versions[place - 1] if place else None

    def find_signed(self, code: str, version: int | None, on: date) -> ProductVersion | None:
        """The version a loan carries. One recorded before there were versions carries the first."""
        if version is None:
            in_force = self.find_in_force(code, on)
            return None if in_force is None else self.versions[code][0]
        return next((v for v in self.versions.get(code, ()) if v.version == version), None)


@dataclass(frozen=True, slots=True)
class AgreedMoratorium:
    kind: MoratoriumKind
    periods: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A loan as a product's rules see it; `rank` is its place among its borrower's, from 1."""

    terms: ScheduleTerms
    stage: str | None
    borrower_kind: BorrowerKind
    rank: int = 1
    is_previous_open: bool = False
    interest_accrual: Accrual | None = None
    allocation_order: AllocationOrder | None = None
    interest_on_overdue_interest: bool | None = None
    moratoria: Sequence[AgreedMoratorium] = ()


UNKNOWN_PRODUCT = InputError(
    "/product",
    "product.unknown",
    Text(
        "Ce produit n'est pas au catalogue à la date du contrat : rien n'a été comparé.",
        "This product is not in the catalogue on the contract date: nothing was compared.",
    ),
)


def find_deviations(rules: ProductRules, loan: Candidate) -> list[InputError]:
    """Where a loan departs from its product; places are named as a sheet's columns are."""
    return [
        *_check_limits(rules.limits, loan.terms),
        *_check_fees(rules.fees, loan.terms),
        *_check_conventions(rules, loan),
        *_check_eligibility(rules.eligibility, loan),
        *check_moratoria(rules.moratoria, loan.moratoria),
    ]


def _check_limits(limits: Limits, terms: ScheduleTerms) -> Iterator[InputError]:
    principal = terms.principal_cents
    if _is_outside(principal, limits.amount_min, limits.amount_max):
        yield _tell_range(
            "/principal",
            "product.amount_out_of_range",
            Text("Le capital", "The principal"),
            f"{format_cents(principal)} $",
            [
                None if cents is None else f"{format_cents(cents)} $"
                for cents in (limits.amount_min, limits.amount_max)
            ],
        )
    rate = terms.annual_rate
    if _is_outside(rate, limits.annual_rate_min, limits.annual_rate_max):
        yield _tell_range(
            "/annual_rate",
            "product.rate_out_of_range",
            Text("Le taux annuel", "The yearly rate"),
            _percent(rate),
            [
                None if r is None else _percent(r)
                for r in (limits.annual_rate_min, limits.annual_rate_max)
            ],
        )
    months = (limits.term_months_min, limits.term_months_max)
    if months != (None, None):
        last_due_on = find_last_due_on(terms)
        shortest, longest = (
            None if count is None else add_months(terms.disbursed_on, count) for count in months
        )
        if _is_outside(last_due_on, shortest, longest):
            yield _tell_range(
                "/instalments",
                "product.term_out_of_range",
                Text("Le dernier versement", "The last instalment"),
                last_due_on.isoformat(),
                [None if day is None else day.isoformat() for day in (shortest, longest)],
            )


def find_last_due_on(terms: ScheduleTerms) -> date:
    """The last due date the calendar gives, before any move to a working day."""
    if terms.first_due_on is None:
        periods = terms.repay_every * terms.instalments
        return add_periods(terms.disbursed_on, terms.frequency, periods)
    periods = terms.repay_every * (terms.instalments - 1)
    return add_periods(terms.first_due_on, terms.frequency, periods)


def _is_outside(value: Ordered, low: Ordered | None, high: Ordered | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _check_fees(limits: FeeLimits, terms: ScheduleTerms) -> Iterator[InputError]:
    if not terms.fees:
        return
    fees = terms.fees_withheld_cents + terms.fees_added_cents
    ceilings = []
    if limits.amount_max is not None and fees > limits.amount_max:
        ceilings.append(f"{format_cents(limits.amount_max)} $")
    if (
        limits.percent_max is not None
        and fees * 100 > Decimal(terms.principal_cents) * limits.percent_max
    ):
        ceilings.append(_percent(limits.percent_max))
    for ceiling in ceilings:
        message = Text(
            f"Les frais ({format_cents(fees)} $) dépassent ce que le produit permet : {ceiling}.",
            f"The fees ({format_cents(fees)} $) are over what the product allows: {ceiling}.",
        )
        yield InputError("/fee", "product.fee_above_limit", message)


_CONVENTIONS = {
    "frequency": attrgetter("frequency"),
    "interest_method": attrgetter("interest_method"),
    "amortisation": attrgetter("amortisation"),
    "day_count": attrgetter("day_count"),
    "rounding": attrgetter("rounding"),
    "smoothing": attrgetter("smoothing"),
    "instalment_multiple": attrgetter("instalment_multiple_cents"),
    "non_working_days": attrgetter("non_working_days"),
}


def _check_conventions(rules: ProductRules, loan: Candidate) -> Iterator[InputError]:
    compared: list[tuple[str, object, object]] = [
        (name, getattr(rules.conventions, name), read(loan.terms))
        for name, read in _CONVENTIONS.items()
    ]
    accrual = loan.interest_accrual or Accrual.SCHEDULED
    order = loan.allocation_order or AllocationOrder.FEES_INTEREST_PRINCIPAL
    compared.append(("interest_accrual", rules.interest_accrual, accrual))
    compared.append(("allocation_order", rules.allocation_order, order))
    overdue = (rules.interest_on_overdue_interest, bool(loan.interest_on_overdue_interest))
    compared.append(("interest_on_overdue_interest", *overdue))
    for name, expected, found in compared:
        if expected is not None and expected != found:
            said, had = _show(expected), _show(found)
            message = Text(
                f"Le produit prévoit « {said.fr} » ; le prêt a « {had.fr} ».",
                f'The product provides for "{said.en}"; the loan has "{had.en}".',
            )
            yield InputError(f"/{name}", "product.convention_differs", message)


def _show(value: object) -> Text:
    """A convention: yes or no, an amount, a word, or a code; none, of an amount left out."""
    if value is None:
        return Text("aucun", "none")
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, Frequency):
        return say_code(value, FREQUENCY_SHOWN)
    return alike(format_cents(value) if isinstance(value, int) else str(value))


def _check_eligibility(rule: Eligibility, loan: Candidate) -> Iterator[InputError]:
    if rule.borrower_kinds is not None and loan.borrower_kind not in rule.borrower_kinds:
        kind = say_code(loan.borrower_kind, BORROWER_KIND_SHOWN)
        message = Text(
            f"Le produit n'est pas offert à ce genre d'emprunteur : {kind.fr}.",
            f"The product is not offered to this kind of borrower: {kind.en}.",
        )
        yield InputError("/borrower_kind", "product.borrower_kind", message)
    if rule.stages is not None and loan.stage is not None and loan.stage not in rule.stages:
        stage = say_code(loan.stage, STAGE_SHOWN)
        message = Text(
            f"Le produit n'est pas offert à ce stade : {stage.fr}.",
            f"The product is not offered at this stage: {stage.en}.",
        )
        yield InputError("/stage", "product.stage", message)
    if _is_outside(loan.rank, rule.cycle_min, rule.cycle_max):
        yield _tell_range(
            "/product",
            "product.not_eligible_for_cycle",
            Text("Le rang du prêt chez l'emprunteur", "The loan's rank for its borrower"),
            str(loan.rank),
            [None if rank is None else str(rank) for rank in (rule.cycle_min, rule.cycle_max)],
        )
    if rule.previous_loan_closed and loan.is_previous_open:
        message = Text(
            "Un prêt précédent du même emprunteur n'était pas remboursé à la date du contrat.",
            "An earlier loan of the same borrower was not repaid on the contract date.",
        )
        yield InputError("/contracted_on", "product.previous_loan_open", message)


def check_moratoria(rule: Moratoria, agreed: Sequence[AgreedMoratorium]) -> Iterator[InputError]:
    """What a product does not allow of all the moratoria of a loan together."""
    periods_max = {each.kind: each.periods_max for each in rule.allowed}
    for one in agreed:
        if one.periods > periods_max.get(one.kind, 0):
            message = Text(
                f"Le produit ne permet pas un moratoire de {one.periods} périodes ({one.kind}).",
                f"The product does not allow a moratorium of {one.periods} periods ({one.kind}).",
            )
            yield InputError("/moratoria", "product.moratorium", message)
    total = sum(one.periods for one in agreed)
    if rule.periods_max is not None and total > rule.periods_max:
        message = Text(
            f"Les moratoires du prêt ({total} périodes) dépassent ce que le produit permet : "
            f"{rule.periods_max}.",
            f"The moratoria of the loan ({total} periods) are over what the product allows: "
            f"{rule.periods_max}.",
        )
        yield InputError("/moratoria", "product.moratorium", message)


def _tell_range(
    pointer: str, code: str, what: Text, found: str, bounds: Sequence[str | None]
) -> InputError:
    low, high = bounds
    french = [f"au moins {low}"] * (low is not None) + [f"au plus {high}"] * (high is not None)
    english = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
    message = Text(
        f"{what.fr} ({found}) sort des limites du produit : {', '.join(french)}.",
        f"{what.en} ({found}) is outside the product's limits: {', '.join(english)}.",
    )
    return InputError(pointer, code, message)


def _percent(rate: Decimal) -> str:
    return f"{format_rate(rate)} %"
