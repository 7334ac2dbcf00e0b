"""Add reporting periods: what became of each month, the network's rules and its deadline."""

from datetime import date

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.common.schema import grant, open_to_totals, protect_tenant_table

revision = "0007"
down_revision = "0006"

APP_ROLE = "loans_app"
TOTALS_ROLE = "loans_totals"
REFERENCE_TABLES = ("validation_rules", "reporting_deadlines")

RECORDED = """
    recorded_at timestamptz NOT NULL DEFAULT now(),
    recorded_by text NOT NULL
"""
ALWAYS = date(1900, 1, 1)
NEXT_FISCAL_YEAR = date(2026, 4, 1)
"""Rules that refuse begin after the facts on record: a fact is never found wrong afterwards."""


def over(field: str, value: str, **more: str) -> dict[str, str]:
    return {"field": field, "operator": "greater_than", "value": value, **more}


RULES = (
    (
        "rule.late_disbursement",
        "loans",
        "warning",
        "disbursed_on",
        [over("disbursed_on", "180", other_field="contracted_on", unit="days")],
        "Le versement suit la signature du contrat de plus de 180 jours.",
        "The disbursement comes more than 180 days after the contract.",
    ),
    (
        "rule.disbursed_years_later",
        "loans",
        "error",
        "disbursed_on",
        [over("disbursed_on", "60", other_field="contracted_on", unit="months")],
        "Le versement suit la signature du contrat de plus de cinq ans : vérifiez l'année.",
        "The disbursement comes more than five years after the contract: check the year.",
    ),
    (
        "rule.large_loan",
        "loans",
        "warning",
        "principal",
        [over("principal", "20000")],
        "Ce prêt dépasse 20 000 $.",
        "This loan is over $20,000.",
    ),
    (
        "rule.high_rate",
        "loans",
        "warning",
        "annual_rate",
        [over("annual_rate", "12")],
        "Ce taux dépasse 12 % par année.",
        "This rate is over 12 % a year.",
    ),
    (
        "rule.late_first_due",
        "loans",
        "warning",
        "first_due_on",
        [over("first_due_on", "12", other_field="disbursed_on", unit="months")],
        "La première échéance suit le versement de plus de 12 mois.",
        "The first due date comes more than 12 months after the disbursement.",
    ),
    (
        "rule.gender_missing",
        "loans",
        "warning",
        "gender",
        [
            {"field": "gender", "operator": "is_missing"},
            {"field": "borrower_kind", "operator": "equal", "value": "person"},
        ],
        "Le genre de l'emprunteur n'est pas dit : la part des femmes ne le comptera pas.",
        "The borrower's gender is not told: the share of women will leave it out.",
    ),
    (
        "rule.age_missing",
        "loans",
        "warning",
        "birth_year",
        [
            {"field": "birth_year", "operator": "is_missing"},
            {"field": "borrower_kind", "operator": "equal", "value": "person"},
        ],
        "L'année de naissance n'est pas dite : la part des moins de 35 ans ne la comptera pas.",
        "The year of birth is not told: the share of people under 35 will leave it out.",
    ),
    (
        "rule.long_session",
        "coaching-sessions",
        "warning",
        "duration_minutes",
        [over("duration_minutes", "480")],
        "Cette rencontre dure plus de 8 heures.",
        "This session lasts more than 8 hours.",
    ),
    (
        "rule.endless_session",
        "coaching-sessions",
        "error",
        "duration_minutes",
        [over("duration_minutes", "960")],
        "Une rencontre ne dure pas plus de 16 heures : la durée est en minutes.",
        "A session does not last more than 16 hours: the duration is in minutes.",
    ),
    (
        "rule.many_jobs",
        "outcomes",
        "warning",
        "jobs_created",
        [{"field": "jobs_created", "operator": "at_least", "value": "20"}],
        "Ce suivi dit 20 emplois créés ou plus.",
        "This follow-up tells of 20 jobs created or more.",
    ),
    (
        "rule.month_without_coaching",
        "period",
        "warning",
        "coaching_sessions",
        [
            {"field": "coaching_sessions", "operator": "equal", "value": "0"},
            {"field": "portfolio_active_loans", "operator": "at_least", "value": "1"},
        ],
        "Aucune rencontre d'accompagnement ce mois-ci, alors que des prêts sont actifs.",
        "No coaching session this month, although loans are active.",
    ),
    (
        "rule.month_without_repayment",
        "period",
        "warning",
        "repayments_count",
        [
            {"field": "repayments_count", "operator": "equal", "value": "0"},
            {"field": "portfolio_active_loans", "operator": "at_least", "value": "5"},
        ],
        "Aucun remboursement ce mois-ci, alors que cinq prêts ou plus sont actifs.",
        "No repayment this month, although five loans or more are active.",
    ),
)

_RULES_TABLE = sa.table(
    "validation_rules",
    *(
        sa.column(name, sa.Text)
        for name in ("code", "kind", "severity", "place", "message_fr", "message_en", "recorded_by")
    ),
    sa.column("version", sa.Integer),
    sa.column("conditions", JSONB),
    sa.column("from_on", sa.Date),
)


def upgrade() -> None:
    create_period_events()
    create_validation_rules()
    create_reporting_deadlines()
    grant(APP_ROLE, "SELECT, INSERT", REFERENCE_TABLES)
    op.execute(f"GRANT SELECT (from_on, days) ON reporting_deadlines TO {TOTALS_ROLE}")
    seed()


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")


def create_period_events() -> None:
    op.execute(
        f"""
        CREATE TABLE period_events (
            organisation_id uuid NOT NULL,
            month_on date NOT NULL,
            event_number integer NOT NULL,
            period_event_id uuid NOT NULL DEFAULT uuidv7(),
            kind text NOT NULL,
            recorded_on date NOT NULL,
            reason text,
            request_id uuid,
            signed_name text,
            signed_role text,
            statement text,
            figures jsonb,
            warnings jsonb,
            digest bytea,
            {RECORDED},
            CONSTRAINT period_events_pkey PRIMARY KEY (organisation_id, month_on, event_number),
            CONSTRAINT period_events_id UNIQUE (organisation_id, period_event_id),
            CONSTRAINT period_events_month CHECK (extract(day FROM month_on) = 1),
            CONSTRAINT period_events_kind CHECK (kind IN ('submitted', 'approved', 'rejected',
                'locked', 'reopening_requested', 'reopened')),
            CONSTRAINT period_events_reason
                CHECK ((reason IS NOT NULL) = (kind IN ('rejected', 'reopening_requested'))),
            CONSTRAINT period_events_request CHECK ((request_id IS NOT NULL) = (kind = 'reopened')),
            CONSTRAINT period_events_signature CHECK (
                num_nonnulls(signed_name, signed_role, statement, figures, warnings, digest)
                = CASE kind WHEN 'submitted' THEN 6 ELSE 0 END)
        )
        """
    )
    protect_tenant_table(APP_ROLE, "period_events")
    grant(APP_ROLE, "SELECT, INSERT", ["period_events"])
    open_to_totals(TOTALS_ROLE, "period_events", "month_on, event_number, kind, recorded_on")


def create_validation_rules() -> None:
    op.execute(
        f"""
        CREATE TABLE validation_rules (
            code text NOT NULL,
            version integer NOT NULL,
            kind text NOT NULL,
            severity text NOT NULL,
            place text NOT NULL,
            conditions jsonb NOT NULL,
            message_fr text NOT NULL,
            message_en text NOT NULL,
            from_on date NOT NULL,
            until_on date,
            {RECORDED},
            CONSTRAINT validation_rules_pkey PRIMARY KEY (code, version),
            CONSTRAINT validation_rules_severity CHECK (severity IN ('error', 'warning')),
            CONSTRAINT validation_rules_dates CHECK (until_on >= from_on)
        )
        """
    )


def create_reporting_deadlines() -> None:
    op.execute(
        f"""
        CREATE TABLE reporting_deadlines (
            from_on date NOT NULL,
            days integer NOT NULL,
            {RECORDED},
            CONSTRAINT reporting_deadlines_pkey PRIMARY KEY (from_on),
            CONSTRAINT reporting_deadlines_days CHECK (days BETWEEN 0 AND 365)
        )
        """
    )


def seed() -> None:
    op.execute(
        "INSERT INTO reporting_deadlines (from_on, days, recorded_by)"
        f" VALUES ('{ALWAYS}', 15, 'migration')"
    )
    op.bulk_insert(
        _RULES_TABLE,
        [
            {
                "code": code,
                "version": 1,
                "kind": kind,
                "severity": severity,
                "place": place,
                "conditions": conditions,
                "message_fr": french,
                "message_en": english,
                "from_on": ALWAYS if severity == "warning" else NEXT_FISCAL_YEAR,
                "recorded_by": "migration",
            }
            for code, kind, severity, place, conditions, french, english in RULES
        ],
    )
