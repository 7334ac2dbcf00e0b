"""A row read without its model says what the model says, or is left to it."""

from collections.abc import Iterator
from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.common.errors import JsonValue
from services.common.readings import Batch, make_batch
from services.loans.imports.quick import quick_repayments
from services.loans.imports.rows import RepaymentRow
from services.loans.repayments.drafts import RepaymentDraft

IDENTIFIERS = st.one_of(
    st.from_regex(r"[A-Z]{1,3}-?[0-9]{1,6}", fullmatch=True),
    st.text(max_size=4),
    st.sampled_from(
        ["R 1", " R1", "R1 ", "x" * 100, "x" * 101, "É1", "e\u0301", "\u200b1", "~", ""]
    ),
)
DAYS = st.one_of(
    st.dates(date(1890, 1, 1), date(2210, 1, 1)).map(str),
    st.sampled_from(["2026-02-30", "20260101", "2026-1-01", "", "２０２６-01-01"]),
)
AMOUNTS = st.one_of(
    st.decimals(0, 10**10, places=2).map(str),
    st.sampled_from(["0.00", "-1.00", "1", "1.5", "1.005", "1,50", "123456789012.00", "", "١.00"]),
)
METHODS = st.one_of(
    st.sampled_from(["virement", "Débit préautorisé", "???", "", " chèque ", "x" * 61]),
    st.text(max_size=4),
)
OTHERS = st.one_of(st.none(), st.integers(), st.booleans(), st.lists(st.text(max_size=2)))


def cell(usual: st.SearchStrategy[str]) -> st.SearchStrategy[JsonValue]:
    """Mostly what the column holds, at times any other JSON value."""
    return st.one_of(usual, usual, usual, OTHERS)


ROWS = st.fixed_dictionaries(
    {},
    optional={
        "external_id": cell(IDENTIFIERS),
        "loan_external_id": cell(IDENTIFIERS),
        "paid_on": cell(DAYS),
        "amount": cell(AMOUNTS),
        "method": cell(METHODS),
        "purpose": cell(st.sampled_from(["payoff", "prepayment", "?"])),
        "surplus": cell(st.sampled_from(["credit", "?"])),
        "unknown": st.just("x"),
    },
)


def slow_repayment(row: dict[str, JsonValue]) -> RepaymentDraft | None:
    try:
        return RepaymentRow.model_validate(row).draft()
    except ValidationError:
        return None


def read_quickly(batch: Batch) -> Iterator[RepaymentDraft | None]:
    """The draft of each row, as `prepare` takes them; None for those that are left to the model."""
    made = quick_repayments(batch.columns)
    if made is None:
        return
    drafts = iter(made.drafts)
    for is_sure in made.is_sure:
        yield next(drafts) if is_sure else None
    assert made.drafts.fingerprints == [draft.fingerprint for draft in made.drafts]


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_any_row_is_read_as_its_model_reads_it(rows: list[dict[str, JsonValue]]) -> None:
    batch = make_batch(list(enumerate(rows, 1)))
    for draft, row in zip(read_quickly(batch), batch.values, strict=False):
        assert draft is None or draft == slow_repayment(row)


@given(
    st.from_regex(r"[!-~]{1,20}", fullmatch=True),
    st.dates(date(1900, 1, 1), date(2199, 12, 31)),
    st.integers(1, 99_999_999_999),
    st.sampled_from([None, "cash", "Virement Interac"]),
)
def test_plain_rows_do_not_need_it(name: str, day: date, cents: int, method: str | None) -> None:
    row: dict[str, JsonValue] = {
        "external_id": name,
        "loan_external_id": f"L {name}",
        "paid_on": str(day),
        "amount": f"{cents // 100}.{cents % 100:02}",
        **({} if method is None else {"method": method}),
    }
    odd: dict[str, JsonValue] = {**row, "amount": "1,5"}
    draft, other = read_quickly(make_batch([(1, row), (2, odd)]))
    assert draft is not None
    assert draft == slow_repayment(row)
    assert other is None
