"""Rules as they are posted and shown."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.fields import Answer, Body, CalendarDate, Reason
from services.common.text import Text
from services.loans.rules.arithmetic import (
    FIELDS,
    Condition,
    Operator,
    Rule,
    Severity,
    read_condition,
)

RuleCode = Annotated[
    str, Field(pattern=r"^rule\.[a-z][a-z0-9_]{1,58}$", examples=["rule.large_loan"])
]
RuleKind = Literal["loans", "repayments", "coaching-sessions", "outcomes", "period"]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Constant = Annotated[str, Field(min_length=1, max_length=60)]


class ConditionBody(Body):
    """Un champ comparé à `value`, à un autre champ, ou à cet autre champ plus `value` `unit`."""

    field: FieldName
    operator: Annotated[Operator, Field(strict=False)]
    value: Constant | None = None
    other_field: FieldName | None = None
    unit: Literal["days", "months"] | None = None


class MessageBody(Body):
    fr: Reason
    en: Reason


class RuleBody(Body):
    """Une version d'une règle : elle est enfreinte quand toutes ses conditions sont vraies."""

    code: RuleCode
    kind: RuleKind
    severity: Severity
    place: FieldName = Field(description="La colonne que la règle désigne.")
    conditions: list[ConditionBody] = Field(min_length=1, max_length=10)
    message: MessageBody
    from_on: CalendarDate = Field(
        alias="from", description="Vaut pour les faits de ce jour et des suivants."
    )
    until_on: CalendarDate | None = Field(None, alias="until", description="Dernier jour, compris.")

    def to_rule(self, version: int) -> Rule:
        """Raises Unprocessable for a field no such fact has, or a comparison without a sense."""
        if self.place not in FIELDS[self.kind]:
            raise _refuse("/place", Text("Ce champ n'existe pas ici.", "No such field here."))
        if self.until_on is not None and self.until_on < self.from_on:
            message = Text("La règle finit avant de commencer.", "The rule ends before it begins.")
            raise _refuse("/until", message)
        return Rule(
            code=self.code,
            version=version,
            kind=self.kind,
            severity=self.severity,
            place=self.place,
            conditions=[
                self._read_condition(place, written)
                for place, written in enumerate(self.conditions)
            ],
            message=Text(self.message.fr, self.message.en),
            from_on=self.from_on,
            until_on=self.until_on,
        )

    def to_data(self) -> list[JsonValue]:
        """The conditions as they are kept."""
        return [written.model_dump(mode="json", exclude_none=True) for written in self.conditions]

    def _read_condition(self, place: int, written: ConditionBody) -> Condition:
        try:
            return read_condition(self.kind, written.model_dump())
        except (ValueError, KeyError, ArithmeticError) as error:
            message = Text(
                "Cette condition n'a pas de sens : champ inconnu, valeur d'une autre sorte, ou "
                "unité sans date.",
                "This condition makes no sense: an unknown field, a value of another kind, or a "
                "unit without a date.",
            )
            raise _refuse(f"/conditions/{place}", message) from error


def _refuse(pointer: str, message: Text) -> Unprocessable:
    code = "validation_rule.form"
    return Unprocessable(message, code=code, errors=[InputError(pointer, code, message)])


class ConditionAnswer(Answer):
    field: str
    operator: Operator
    value: str | None
    other_field: str | None
    unit: str | None


class MessageAnswer(Answer):
    fr: str
    en: str


class RuleAnswer(Answer):
    code: str
    version: int
    kind: str
    severity: Severity
    place: str
    conditions: list[ConditionAnswer]
    message: MessageAnswer
    from_on: Annotated[date, Field(serialization_alias="from")]
    until_on: Annotated[date | None, Field(serialization_alias="until")]


class RuleList(Answer):
    items: list[RuleAnswer]
    next: str | None


def show_rule(rule: Rule) -> dict[str, JsonValue]:
    return {
        "code": rule.code,
        "version": rule.version,
        "kind": rule.kind,
        "severity": rule.severity,
        "place": rule.place,
        "conditions": [
            {
                "field": condition.field,
                "operator": condition.operator.value,
                "value": None if condition.value is None else str(condition.value),
                "other_field": condition.other_field,
                "unit": condition.unit and condition.unit.value,
            }
            for condition in rule.conditions
        ],
        "message": {"fr": rule.message.fr, "en": rule.message.en},
        "from": rule.from_on.isoformat(),
        "until": None if rule.until_on is None else rule.until_on.isoformat(),
    }
