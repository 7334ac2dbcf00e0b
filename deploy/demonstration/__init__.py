"""Demonstration portfolios: seeded, synthetic and plausible; no real person, nothing in the future.

network.py     what each member lends, and where     words.py      names and trades to combine
draws.py       repeatable draws                      people.py     borrowers, coaches
lending.py     loans of a year                       repaying.py   repayments, write-offs
coaching.py    sessions, people who do not borrow    following.py  yearly outcomes
capital.py     contributions                         agreements.py grants, targets, payments
rows.py        the import columns                    reporting.py  months submitted and locked
build.py       all of it, up to a day
"""

from deploy.demonstration.agreements import Agreement, AgreementPayment, Obligation, Target
from deploy.demonstration.build import (
    MemberBooks,
    build_agreements,
    build_books,
    build_demonstration,
    build_reported_months,
    build_write_offs,
)
from deploy.demonstration.repaying import WriteOff
from deploy.demonstration.reporting import ReportedMonth, first_asked_month
from deploy.demonstration.rows import DemonstrationFile, ImportKind

__all__ = [
    "Agreement",
    "AgreementPayment",
    "DemonstrationFile",
    "ImportKind",
    "MemberBooks",
    "Obligation",
    "ReportedMonth",
    "Target",
    "WriteOff",
    "build_agreements",
    "build_books",
    "build_demonstration",
    "build_reported_months",
    "build_write_offs",
    "first_asked_month",
]
