"""How far a long import has come, and how long it may still take."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.common.idempotency import Answered, Session
from services.common.import_job_queries import Advance, JobState
from services.common.import_parts import Step

RECORDING_COST = 3
"""Recording a row takes some three times as long as reading and checking it."""


class ImportStopped(Exception):
    """Raised in the thread that imports, so that it lets go of the job."""


def _clock_ms() -> int:
    return time.monotonic_ns() // 1_000_000


@dataclass(slots=True)
class Watch:
    """Written by the threads that work on an import, read by the one that reports."""

    expected: int | None
    state: JobState = "reading"
    rows: dict[Step, int] = field(default_factory=dict)
    is_stopped: bool = False
    began_ms: int = field(default_factory=_clock_ms)
    checking_ms: int = 0
    _recording: "asyncio.Task[object] | None" = None

    def tell(self, step: Step, rows: int) -> None:
        """What `run_import` calls as rows take a step. Raises when nobody wants the import."""
        if self.is_stopped:
            raise ImportStopped
        self.rows[step] = rows
        if step == "read":
            self.state = "checking"
        elif step == "checked":
            self.checking_ms = _clock_ms() - self.began_ms

    async def record(
        self, session: Session, work: Callable[[Session], Awaitable[Answered]], /
    ) -> Answered:
        """The last step, on an event loop of its own, once the write lock is held."""
        self.state = "recording"
        self._recording = asyncio.current_task()
        try:
            if self.is_stopped:
                raise ImportStopped
            return await work(session)
        except asyncio.CancelledError:
            raise ImportStopped from None
        finally:
            self._recording = None

    def stop(self) -> None:
        """Let go as soon as can be: after a batch of rows, or in the middle of a statement."""
        self.is_stopped = True
        recording = self._recording
        if recording is not None:
            recording.get_loop().call_soon_threadsafe(recording.cancel)

    def advance(self) -> Advance:
        return Advance(
            self.state,
            read=self.rows.get("read", 0),
            checked=self.rows.get("checked", 0),
            stored=self.rows.get("stored", 0),
            remaining_seconds=self._remaining_seconds(),
        )

    def _remaining_seconds(self) -> int | None:
        """From the speed of checking, which what comes after is a known multiple of.

        None once that much has passed: then nobody knows.
        """
        checked = self.rows.get("checked", 0)
        if not checked or (self.state != "recording" and self.expected is None):
            return None
        rows = checked if self.state == "recording" else max(checked, self.expected or 0)
        whole_ms = self.checking_ms * rows * (1 + RECORDING_COST) // checked
        left_ms = whole_ms - (_clock_ms() - self.began_ms)
        return None if left_ms < 0 else max(1, left_ms // 1_000)
