"""Figures as they are shown: in the shape of a region of the report."""

from services.common.errors import JsonValue
from services.common.money import format_cents
from services.loans.totals.queries import Figures


def show_figures(figures: Figures) -> dict[str, JsonValue]:
    def count(name: str) -> int:
        return figures.get(name, 0)

    def amount(name: str) -> str:
        return format_cents(figures.get(name, 0))

    return {
        "loans": {"count": count("loans_count"), "amount": amount("loans_cents")},
        "repayments": {
            "count": count("repayments_count"),
            "amount": amount("repayments_cents"),
            "principal": amount("principal_cents"),
            "interest": amount("interest_cents"),
            "fees": amount("fees_cents"),
        },
        "portfolio": {
            "active_loans": count("active_loans"),
            "outstanding_principal": amount("outstanding_cents"),
            "par30": amount("par30_cents"),
            "par90": amount("par90_cents"),
            "written_off": amount("written_off_cents"),
            "recovered": amount("recovered_cents"),
        },
        "coaching": {
            "sessions": count("sessions"),
            "minutes": count("minutes"),
            "people": count("people"),
        },
        "outcomes": {
            name: count(name)
            for name in (
                "jobs_created",
                "jobs_maintained",
                "enterprises_created",
                "enterprises_maintained",
            )
        },
    }
