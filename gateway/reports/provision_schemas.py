"""The report on provisions as it leaves."""

from datetime import date
from typing import Literal

from gateway.reports.figures import format_quotient
from gateway.reports.provision_sums import ClassFigures, Line
from gateway.reports.schemas import RATIO_PLACES, Ratio
from gateway.reports.sources import MatrixSaid
from services.common.fields import Answer, SignedAmount


class RescheduledAnswer(Answer):
    """Ceux des prêts qui ont été rééchelonnés."""

    loans: int
    outstanding_principal: SignedAmount


class ProvisionFiguresAnswer(Answer):
    loans: int
    outstanding_principal: SignedAmount
    provision: SignedAmount
    rescheduled: RescheduledAnswer


class ProvisionClassAnswer(ProvisionFiguresAnswer):
    """Les prêts en retard de plus de `days_over` jours, et d'au plus `days_until`.

    Sans `days_over` : les prêts sans retard. `rate` est celui de la grille ; un prêt rééchelonné
    peut en porter un plus élevé.
    """

    days_over: int | None
    days_until: int | None
    rate: str


class ProvisionTotalAnswer(ProvisionFiguresAnswer):
    """`risk_coverage` : provision / `par30_or_rescheduled` ; absent quand rien n'est à risque."""

    par30: SignedAmount
    par30_or_rescheduled: SignedAmount
    risk_coverage: Ratio | None


class ProvisionLineAnswer(Answer):
    classes: list[ProvisionClassAnswer]
    total: ProvisionTotalAnswer


class ProvisionOrganisationAnswer(ProvisionLineAnswer):
    organisation: str


class DelayClassAnswer(Answer):
    days_over: int
    rate: str


class MatrixAnswer(Answer):
    """La grille en vigueur à la date du rapport."""

    effective_from: date
    current_rate: str
    rescheduled_rate_min: str
    classes: list[DelayClassAnswer]


class ProvisionsAnswer(Answer):
    """Les provisions en fin de journée de `as_of` ; sans grille, rien n'est provisionné."""

    as_of: date
    currency: Literal["CAD"] = "CAD"
    matrix: MatrixAnswer | None
    organisations: list[ProvisionOrganisationAnswer]
    total: ProvisionLineAnswer


def answer_provisions(
    as_of: date, matrix: MatrixSaid | None, lines: list[Line], total: Line
) -> ProvisionsAnswer:
    return ProvisionsAnswer(
        as_of=as_of,
        matrix=None if matrix is None else _answer_matrix(matrix),
        organisations=[
            ProvisionOrganisationAnswer(
                organisation=line.slug,
                classes=_answer_classes(line, matrix),
                total=_answer_total(line.total),
            )
            for line in lines
        ],
        total=ProvisionLineAnswer(
            classes=_answer_classes(total, matrix), total=_answer_total(total.total)
        ),
    )


def _answer_matrix(matrix: MatrixSaid) -> MatrixAnswer:
    return MatrixAnswer(
        effective_from=matrix.effective_from,
        current_rate=matrix.current_rate,
        rescheduled_rate_min=matrix.rescheduled_rate_min,
        classes=[
            DelayClassAnswer(days_over=each.days_over, rate=each.rate) for each in matrix.classes
        ],
    )


def _answer_classes(line: Line, matrix: MatrixSaid | None) -> list[ProvisionClassAnswer]:
    if matrix is None:
        return []
    days = [None, *(each.days_over for each in matrix.classes), None]
    rates = [matrix.current_rate, *(each.rate for each in matrix.classes)]
    return [
        ProvisionClassAnswer(
            days_over=days_over,
            days_until=days_until,
            rate=rate,
            loans=figures.loans,
            outstanding_principal=figures.outstanding_cents,
            provision=figures.provision_cents,
            rescheduled=_answer_rescheduled(figures),
        )
        for days_over, days_until, rate, figures in zip(
            days[:-1], days[1:], rates, line.classes, strict=True
        )
    ]


def _answer_total(figures: ClassFigures) -> ProvisionTotalAnswer:
    at_risk = figures.par30_or_rescheduled_cents
    return ProvisionTotalAnswer(
        loans=figures.loans,
        outstanding_principal=figures.outstanding_cents,
        provision=figures.provision_cents,
        rescheduled=_answer_rescheduled(figures),
        par30=figures.par30_cents,
        par30_or_rescheduled=at_risk,
        risk_coverage=(
            format_quotient(figures.provision_cents, at_risk, RATIO_PLACES) if at_risk else None
        ),
    )


def _answer_rescheduled(figures: ClassFigures) -> RescheduledAnswer:
    return RescheduledAnswer(
        loans=figures.rescheduled_loans, outstanding_principal=figures.rescheduled_cents
    )
