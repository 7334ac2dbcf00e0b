"""The partnership report and the dictionary of its indicators as they leave.

The report is for the ministry: its words are French whatever language is asked for (Charte de la
langue française, art. 21.9).
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gateway.disclosure import Confidentiality, Profile, Status
from gateway.reports.figures import format_quotient
from gateway.reports.indicators.kinds import (
    PLACES,
    SECTION_TITLES,
    Indicator,
    Scope,
    Section,
    Unit,
)
from gateway.reports.partnership import Agreement, Line
from gateway.reports.schemas import RATIO_PLACES, PeriodAnswer, Ratio, SourcesAnswer
from services.common.fields import Answer, SignedAmount

TITLE = "Rapport sur le partenariat public-privé"
ROUNDING_NOTE = (
    "Chaque valeur est arrondie une seule fois, à la présentation, la demie vers le haut : les "
    "montants au cent, les heures au centième, les rapports à quatre décimales. Des valeurs "
    "arrondies peuvent différer de leur somme de ±1 % pour les pourcentages et de ±1 pour les "
    "autres valeurs."
)
SUPPRESSED = "supprimé (confidentialité)"
NOTHING_TO_DIVIDE = "aucune valeur : le dénominateur est nul"
SEVERAL_TARGETS = "plusieurs ententes fixent des cibles différentes"


class TargetAnswer(Answer):
    agreement: Annotated[str, Field(description="L'identifiant externe de l'entente.")]
    value: str


class IndicatorAnswer(Answer):
    """Un indicateur. `value` est un entier pour un nombre, sinon une chaîne décimale."""

    code: str
    section: Section
    label: str
    unit: Unit
    scope: Scope
    value: int | str | None
    target: int | str | None
    targets: list[TargetAnswer]
    attainment: Annotated[
        Ratio | None, Field(description="Valeur / cible, de la valeur avant arrondi.")
    ]
    attained: bool | None
    better: Literal["plus", "moins"]
    definition_version: int
    status: Annotated[Status, Field(description="A : observée ; M : manquante.")]
    confidentiality: Annotated[
        Confidentiality, Field(description="F : libre ; C : supprimée ; D : supprimée avec elle.")
    ]
    unknown_status: Annotated[
        int | None, Field(description="Entreprises d'état inconnu, tenues à l'écart du taux.")
    ]
    reason: str | None


class SectionAnswer(Answer):
    code: Section
    title: str


class DisclosureAnswer(Answer):
    profile: Literal["reseau", "bailleur"]
    k: Annotated[int | None, Field(description="Seuil : rien sur moins de k personnes.")]


class AgreementAnswer(Answer):
    agreement_id: UUID
    external_id: str
    funder: str
    title: str
    first: Annotated[date, Field(serialization_alias="from")]
    last: Annotated[date, Field(serialization_alias="to")]
    amount: SignedAmount
    paid: SignedAmount


class PartnershipAnswer(Answer):
    """Le rapport sur le partenariat d'un exercice : efficience, efficacité, effets."""

    title: str
    fiscal_year: str
    period: PeriodAnswer
    as_of: date
    currency: Literal["CAD"] = "CAD"
    disclosure: DisclosureAnswer
    sections: list[SectionAnswer]
    indicators: list[IndicatorAnswer]
    agreements: list[AgreementAnswer]
    rounding: str
    sources: SourcesAnswer


class TextAnswer(Answer):
    fr: str
    en: str


class DefinitionAnswer(Answer):
    """Un indicateur du dictionnaire."""

    code: str
    section: Section
    label: TextAnswer
    unit: Unit
    decimals: int
    scope: Scope
    formula: TextAnswer
    sources: list[str]
    better: Literal["plus", "moins"]
    definition_version: int


class DefinitionList(Answer):
    items: list[DefinitionAnswer]
    next: None = None


def answer_line(line: Line) -> IndicatorAnswer:
    indicator, places = line.indicator, PLACES[line.indicator.unit]
    attainment = line.attainment
    return IndicatorAnswer(
        code=indicator.code,
        section=indicator.section,
        label=indicator.label.fr,
        unit=indicator.unit,
        scope=indicator.scope,
        value=_write(line.cell.value, places),
        target=_write(line.target, places),
        targets=[
            TargetAnswer(agreement=target.agreement, value=str(target.value))
            for target in line.targets
        ],
        attainment=None
        if attainment is None
        else format_quotient(attainment.numerator, attainment.denominator, RATIO_PLACES),
        attained=line.is_attained,
        better=_better(indicator),
        definition_version=indicator.version,
        status=line.cell.status,
        confidentiality=line.cell.conf,
        unknown_status=line.unknown,
        reason=_reason(line),
    )


def _write(value: Decimal | None, places: int) -> int | str | None:
    """With the unit's decimals; a target may have more, which are kept."""
    if value is None:
        return None
    if places == 0 and value == value.to_integral_value():
        return int(value)
    fixed = f"{value:.{places}f}"
    return fixed if Decimal(fixed) == value else f"{value:f}"


def _reason(line: Line) -> str | None:
    if line.cell.is_suppressed:
        return SUPPRESSED
    if line.cell.value is None:
        return NOTHING_TO_DIVIDE
    if line.targets and line.target is None:
        return SEVERAL_TARGETS
    return None


def _better(indicator: Indicator) -> Literal["plus", "moins"]:
    return "moins" if indicator.is_lower_better else "plus"


def answer_sections() -> list[SectionAnswer]:
    return [SectionAnswer(code=section, title=SECTION_TITLES[section].fr) for section in Section]


def answer_disclosure(profile: Profile | None) -> DisclosureAnswer:
    if profile is None:
        return DisclosureAnswer(profile="reseau", k=None)
    return DisclosureAnswer(profile="bailleur", k=profile.k)


def answer_agreements(agreements: Sequence[Agreement]) -> list[AgreementAnswer]:
    return [
        AgreementAnswer(
            agreement_id=UUID(agreement.agreement_id),
            external_id=agreement.external_id,
            funder=agreement.funder,
            title=agreement.title,
            first=agreement.first,
            last=agreement.last,
            amount=agreement.amount_cents,
            paid=agreement.paid_cents,
        )
        for agreement in agreements
    ]


def answer_definition(indicator: Indicator) -> DefinitionAnswer:
    return DefinitionAnswer(
        code=indicator.code,
        section=indicator.section,
        label=TextAnswer(fr=indicator.label.fr, en=indicator.label.en),
        unit=indicator.unit,
        decimals=PLACES[indicator.unit],
        scope=indicator.scope,
        formula=TextAnswer(fr=indicator.formula.fr, en=indicator.formula.en),
        sources=list(indicator.sources),
        better=_better(indicator),
        definition_version=indicator.version,
    )
