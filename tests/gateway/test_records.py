"""Who may change a record when several want to."""

import anyio
import pytest

from fhir_bridge.gateway.records import Records
from fhir_bridge.outcome import FhirError, Issue

pytestmark = pytest.mark.anyio


async def test_changes_of_one_record_are_made_in_the_order_in_which_they_came():
    records, made = Records(), []

    async def change(number):
        async with records.change("a"):
            made.append(f"{number} begins")
            await anyio.sleep(0)
            made.append(f"{number} ends")

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(change, number)

    assert made == ["0 begins", "0 ends", "1 begins", "1 ends", "2 begins", "2 ends"]
    assert len(records) == 0


async def test_changes_of_two_records_are_made_at_once():
    records = Records()

    async with records.change(("a", "1")), records.change(("a", "2")):
        assert len(records) == 2

    assert len(records) == 0


async def test_who_gives_up_waiting_is_waited_for_no_longer():
    """Nor is the record kept in memory."""
    records, made = Records(), []

    async def change(name):
        async with records.change("a"):
            made.append(name)

    async with anyio.create_task_group() as tasks, anyio.create_task_group() as impatient, records.change("a"):
        impatient.start_soon(change, "impatient")
        tasks.start_soon(change, "patient")
        await anyio.wait_all_tasks_blocked()
        impatient.cancel_scope.cancel()

    assert (made, len(records)) == (["patient"], 0)


async def test_a_change_that_fails_lets_the_next_go():
    records = Records()

    with pytest.raises(RuntimeError):
        async with records.change("a"):
            raise RuntimeError

    async with records.change("a"):
        assert len(records) == 1


async def test_who_waits_too_long_is_told():
    """503, and nothing was sent."""
    records, errors = Records(patience_s=0.01), []

    async def change():
        try:
            async with records.change("a"):
                pytest.fail("two changes at once")
        except FhirError as error:
            errors.append(error)

    async with records.change("a"), anyio.create_task_group() as tasks:
        tasks.start_soon(change)

    text = "Other changes of this record are under way, and take long; nothing was sent. Send the change later."
    assert [(error.status_code, error.headers) for error in errors] == [(503, {"Retry-After": "5"})]
    assert errors[0].issues == (Issue("record-in-use", "lock-error", text),)
    assert len(records) == 0
