"""Efficacité: what was done, for whom, and how well it is repaid. Pure."""

from gateway.reports.indicators.kinds import (
    Indicator,
    Protection,
    Quotient,
    Section,
    Unit,
    amount,
)
from services.common.text import Text

EFFECTIVENESS = (
    Indicator(
        "loans_count",
        Section.EFFECTIVENESS,
        Text("Nombre de prêts", "Number of loans"),
        Unit.COUNT,
        Text("Prêts décaissés dans l'exercice.", "Loans disbursed in the fiscal year."),
        ("loans.loans",),
        lambda f: Quotient(f.loans_count),
    ),
    Indicator(
        "loans_amount",
        Section.EFFECTIVENESS,
        Text("Montant des prêts", "Amount of loans"),
        Unit.MONEY,
        Text(
            "Somme du capital des prêts décaissés dans l'exercice.",
            "Sum of the principal of loans disbursed in the fiscal year.",
        ),
        ("loans.loans",),
        lambda f: amount(f.loans_cents),
    ),
    Indicator(
        "loans_mean_amount",
        Section.EFFECTIVENESS,
        Text("Montant moyen d'un prêt", "Mean amount of a loan"),
        Unit.MONEY,
        Text("montant des prêts / nombre de prêts", "amount of loans / number of loans"),
        ("loans.loans",),
        lambda f: Quotient(f.loans_cents, 100 * f.loans_count),
    ),
    Indicator(
        "people_coached",
        Section.EFFECTIVENESS,
        Text("Personnes accompagnées", "People coached"),
        Unit.COUNT,
        Text(
            "Personnes qui ont eu au moins une séance dans l'exercice, distinctes par organisme.",
            "Persons with at least one session in the fiscal year, distinct by organisation.",
        ),
        ("loans.coaching_sessions",),
        lambda f: Quotient(f.people_coached),
    ),
    Indicator(
        "coaching_hours",
        Section.EFFECTIVENESS,
        Text("Heures d'accompagnement", "Hours of coaching"),
        Unit.HOURS,
        Text(
            "Somme de la durée des séances de l'exercice, en minutes / 60.",
            "Sum of the length of the fiscal year's sessions, in minutes / 60.",
        ),
        ("loans.coaching_sessions",),
        lambda f: Quotient(f.coaching_minutes, 60),
    ),
    Indicator(
        "repayment_rate",
        Section.EFFECTIVENESS,
        Text("Taux de remboursement cumulatif", "Cumulative repayment rate"),
        Unit.PERCENT,
        Text(
            "Forme (c), cumulative : capital remboursé / capital échu, depuis le début et jusqu'à "
            "la date du rapport. Le capital payé avant son échéance n'y compte pas ; le capital "
            "radié reste échu.",
            "Form (c), cumulative: principal repaid / principal that fell due, from the beginning "
            "to the report's date. Principal paid before it falls due is left out; principal "
            "written off stays due.",
        ),
        ("loans.instalments", "loans.allocations"),
        lambda f: Quotient(f.principal_repaid_cents, f.principal_due_cents),
    ),
    Indicator(
        "repayment_rate_on_time",
        Section.EFFECTIVENESS,
        Text("Taux de remboursement à temps", "On-time repayment rate"),
        Unit.PERCENT,
        Text(
            "Forme (a), à temps : capital échu dans l'exercice et payé au plus tard à son échéance "
            "/ capital échu dans l'exercice, selon l'échéancier en vigueur à chaque échéance.",
            "Form (a), on time: principal that fell due in the fiscal year and was paid by its due "
            "date / principal that fell due in the year, by the schedule in force on each due "
            "date.",
        ),
        ("loans.instalments", "loans.allocations"),
        lambda f: Quotient(f.on_time_cents, f.due_in_period_cents),
    ),
    Indicator(
        "repayment_rate_current",
        Section.EFFECTIVENESS,
        Text("Taux de recouvrement courant", "Current recovery rate"),
        Unit.PERCENT,
        Text(
            "Forme (b), courante : capital échu et payé à la fin de l'exercice, moins le même à "
            "son début (arriérés compris ; un paiement anticipé compte à son échéance) / capital "
            "échu dans l'exercice. Peut dépasser 100 %.",
            "Form (b), current: principal both due and paid at the end of the fiscal year, less "
            "the same at its beginning (arrears included; a payment ahead counts when it falls "
            "due) / principal that fell due in the year. It may exceed 100 %.",
        ),
        ("loans.instalments", "loans.allocations"),
        lambda f: Quotient(f.recovered_in_period_cents, f.due_in_period_cents),
    ),
    Indicator(
        "par30_ratio",
        Section.EFFECTIVENESS,
        Text("Portefeuille à risque, plus de 30 jours", "Portfolio at risk, over 30 days"),
        Unit.RATIO,
        Text(
            "Capital restant dû entier des prêts dont une échéance est en retard de plus de 30 "
            "jours / capital restant dû de tous les prêts, à la date du rapport.",
            "Whole outstanding principal of loans with an instalment more than 30 days past due / "
            "outstanding principal of all loans, as of the report's date.",
        ),
        ("loans.daily_totals",),
        lambda f: Quotient(f.par30_cents, f.outstanding_cents),
        is_lower_better=True,
    ),
    Indicator(
        "write_off_ratio",
        Section.EFFECTIVENESS,
        Text("Taux de radiation", "Write-off ratio"),
        Unit.RATIO,
        Text(
            "Capital radié dans l'exercice / portefeuille moyen de l'exercice (moyenne du capital "
            "restant dû à l'ouverture et à la fin de chaque mois).",
            "Principal written off in the fiscal year / mean portfolio of the year (mean of the "
            "outstanding principal at the opening and at the end of each month).",
        ),
        ("loans.write_offs", "loans.daily_totals"),
        lambda f: Quotient(f.written_off_cents, f.mean_portfolio_cents),
        is_lower_better=True,
    ),
    Indicator(
        "loss_rate",
        Section.EFFECTIVENESS,
        Text("Taux de perte cumulatif", "Cumulative loss rate"),
        Unit.PERCENT,
        Text(
            "(capital radié − recouvrements) / capital décaissé, depuis le début et jusqu'à la "
            "date du rapport.",
            "(principal written off − recoveries) / principal disbursed, from the beginning to the "
            "report's date.",
        ),
        ("loans.write_offs", "loans.recoveries", "loans.loans"),
        lambda f: Quotient(
            f.written_off_to_date_cents - f.recovered_to_date_cents, f.disbursed_to_date_cents
        ),
        is_lower_better=True,
    ),
    Indicator(
        "share_women",
        Section.EFFECTIVENESS,
        Text("Part des femmes", "Share of women"),
        Unit.PERCENT,
        Text(
            "Emprunteuses / personnes emprunteuses qui ont dit leur genre, parmi celles qui ont "
            "reçu un prêt dans l'exercice.",
            "Women / borrowers who stated their gender, among those granted a loan in the year.",
        ),
        ("loans.borrowers", "loans.loans"),
        lambda f: Quotient(f.women, f.gender_known, f.gender_known),
        protection=Protection.SHARE,
    ),
    Indicator(
        "share_under_35",
        Section.EFFECTIVENESS,
        Text("Part des moins de 35 ans", "Share of people under 35"),
        Unit.PERCENT,
        Text(
            "Personnes de moins de 35 ans dans l'année du prêt / personnes dont l'année de "
            "naissance est connue, parmi celles qui ont reçu un prêt dans l'exercice.",
            "Persons under 35 in the year of the loan / persons whose year of birth is known, "
            "among those granted a loan in the fiscal year.",
        ),
        ("loans.borrowers", "loans.loans"),
        lambda f: Quotient(f.under_35, f.age_known, f.age_known),
        protection=Protection.SHARE,
    ),
    Indicator(
        "share_immigrants",
        Section.EFFECTIVENESS,
        Text("Part des personnes immigrantes", "Share of immigrants"),
        Unit.PERCENT,
        Text(
            "Personnes qui se sont dites immigrantes / personnes qui ont reçu un prêt dans "
            "l'exercice.",
            "Persons who said they were immigrants / persons granted a loan in the fiscal year.",
        ),
        ("loans.borrowers", "loans.loans"),
        lambda f: Quotient(f.immigrants, f.borrowers, f.borrowers),
        protection=Protection.SENSITIVE_SHARE,
    ),
)
