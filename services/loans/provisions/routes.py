"""/v1/provision-matrices, and /internal/provisions for the gateway's report."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, totals_database_of
from services.common.calendar import last_days
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.fields import CalendarDate
from services.common.idempotency import Answered, answer_once, created, replayed
from services.common.identity import Principal, Requires, Role
from services.common.money import format_cents
from services.loans.provisions import commands, queries
from services.loans.provisions.arithmetic import Matrix
from services.loans.provisions.queries import ClassSums
from services.loans.provisions.schemas import MatrixAnswer, MatrixBody, MatrixList

router = service_router()

Anyone = Annotated[
    Principal,
    Depends(Requires(Role.MEMBER, Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.OPERATOR)),
]
Network = Annotated[Principal, Depends(Requires(Role.NETWORK))]
Reader = Annotated[
    Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.AUDITOR, Role.SERVICE))
]

MATRICES = "/v1/provision-matrices"


@router.post(MATRICES, status_code=201, response_model=MatrixAnswer)
async def post_matrix(request: Request, body: MatrixBody, network: Network) -> Response:
    """Inscrire une nouvelle grille de provisions."""

    async def work(session: WriteSession) -> Answered:
        matrices, is_new = await commands.record_matrix(session, network, body)
        return (created if is_new else replayed)(show_matrices(matrices)[-1], MATRICES)

    return await answer_once(request, network, work)


@router.get(MATRICES, response_model=MatrixList)
async def list_matrices(request: Request, reader: Anyone) -> Response:
    """Toutes les grilles de provisions, de la plus ancienne à la plus récente."""
    async with database_of(request).read(None) as session:
        matrices = await queries.load_matrices(session)
    return json_response({"items": show_matrices(matrices), "next": None})


@router.get("/internal/provisions", include_in_schema=False)
async def get_provisions(request: Request, reader: Reader, as_of: CalendarDate) -> Response:
    """What is set aside at the end of a day, by organisation and class of the matrix in force."""
    own = reader.organisation_id if reader.role is Role.MEMBER else None
    async with totals_database_of(request).read_totals(reader.subject) as session:
        matrix = await queries.find_matrix(session, as_of)
        sums = {} if matrix is None else await queries.sum_by_class(session, matrix, as_of, own)
    return json_response(
        {
            "matrix": None if matrix is None else show_matrices([matrix])[0],
            "organisations": [
                {"organisation_id": str(organisation), "classes": [*map(_show_class, classes)]}
                for organisation, classes in sums.items()
            ],
        }
    )


def show_matrices(matrices: list[Matrix]) -> list[JsonValue]:
    """Each ends the day before the next begins."""
    ends = last_days([matrix.effective_on for matrix in matrices])
    return [
        {
            "effective_from": matrix.effective_on.isoformat(),
            "effective_until": None if until is None else until.isoformat(),
            **matrix.rules.model_dump(mode="json"),
        }
        for matrix, until in zip(matrices, ends, strict=True)
    ]


def _show_class(sums: ClassSums) -> JsonValue:
    return {
        "number": sums.number,
        "loans": sums.loans,
        "outstanding_principal": format_cents(sums.outstanding_cents),
        "provision": format_cents(sums.provision_cents),
        "rescheduled": {
            "loans": sums.rescheduled_loans,
            "outstanding_principal": format_cents(sums.rescheduled_cents),
        },
        "par30": format_cents(sums.par30_cents),
        "par30_or_rescheduled": format_cents(sums.par30_or_rescheduled_cents),
    }
