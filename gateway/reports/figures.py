"""The figures of a report: whole numbers and cents that add up. Pure."""

from dataclasses import astuple, dataclass, fields

from services.common.money import divide_rounded


@dataclass(frozen=True, slots=True)
class Figures:
    """What one organisation, region or group did in a period and holds at its end."""

    loans_count: int = 0
    loans_cents: int = 0
    repayments_count: int = 0
    repayments_cents: int = 0
    repayments_principal_cents: int = 0
    repayments_interest_cents: int = 0
    repayments_fees_cents: int = 0
    active_loans: int = 0
    outstanding_principal_cents: int = 0
    par30_cents: int = 0
    par90_cents: int = 0
    written_off_cents: int = 0
    recovered_cents: int = 0
    capital_public_cents: int = 0
    capital_private_cents: int = 0
    capital_community_cents: int = 0
    coaching_sessions: int = 0
    coaching_minutes: int = 0
    coaching_people: int = 0
    jobs_created: int = 0
    jobs_maintained: int = 0
    enterprises_created: int = 0
    enterprises_maintained: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def are_zero(self) -> bool:
        return self == ZERO


ZERO = Figures()
FIGURE_NAMES = tuple(field.name for field in fields(Figures))


def format_quotient(numerator: int, denominator: int, places: int) -> str:
    """A quotient with one decimal or more, rounded half-up once; zero over zero is zero."""
    scaled = divide_rounded(numerator * 10**places, denominator) if denominator else 0
    whole, fraction = divmod(abs(scaled), 10**places)
    return f"{'-' if scaled < 0 else ''}{whole}.{fraction:0{places}d}"
