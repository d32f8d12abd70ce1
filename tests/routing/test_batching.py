"""How pieces are gathered, and how a user's order is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headwater.events import Record
from headwater.log.consumer import Delivered
from headwater.routing.batching import Batch, Batcher, Job, Parcel
from headwater.routing.destination import Attempt, Outgoing, Pace, Prepared


class _Destination:
    revision = 1

    def __init__(self, *, ordered: bool = False) -> None:
        self.pace = Pace(1.0, 4, ordered, 60.0)

    def prepare(self, record: Record) -> Prepared:
        raise NotImplementedError

    async def send(self, pieces: Sequence[Outgoing]) -> Attempt:
        raise NotImplementedError


def _parcel(number: int, user: str = "u", key: str = "k", size: int = 2) -> Parcel:
    message = Delivered(b"", "", "", number, 1, 0.0, number)
    return Parcel(Job(message, 0, str(number), user, "", 0.0), 0, Outgoing(key, size, number))


def _contents(batch: Batch | None) -> list[Any]:
    assert batch is not None
    return [parcel.piece.content for parcel in batch.parcels]


def test_a_full_batch_goes_at_once_and_a_partial_one_after_its_wait() -> None:
    """Three pieces of size two: the first two at once, the third one second after it came."""
    batcher, destination = Batcher(), _Destination()
    for number in range(3):
        batcher.add(_parcel(number), destination, now=10.0)
    assert _contents(batcher.take(10.0)) == [0, 1]
    assert batcher.take(10.9) is None
    assert batcher.next_due() == 11.0
    assert _contents(batcher.take(11.0)) == [2]


def test_pieces_of_different_keys_never_travel_together() -> None:
    """Two sections, two batches."""
    batcher, destination = Batcher(), _Destination()
    for number in range(4):
        batcher.add(_parcel(number, key=str(number % 2), size=10), destination, 0.0)
    assert sorted([_contents(batcher.take(5.0)), _contents(batcher.take(5.0))]) == [[0, 2], [1, 3]]


def test_pieces_of_two_revisions_never_travel_together() -> None:
    """What was prepared before a deployment is sent as it was prepared."""
    batcher, old, new = Batcher(), _Destination(), _Destination()
    batcher.add(_parcel(1, size=10), old, 0.0)
    batcher.add(_parcel(2, size=10), new, 0.0)
    assert _contents(batcher.take(5.0)) == [1]
    assert _contents(batcher.take(5.0)) == [2]


def test_in_order_a_later_piece_of_a_user_waits_for_the_earlier_one() -> None:
    """While a user's batch is on its way only other users' pieces go."""
    batcher, destination = Batcher(), _Destination(ordered=True)
    first, second, other = (_parcel(*who, size=1) for who in ((1, "ann"), (2, "ann"), (3, "bob")))
    for parcel in (first, second, other):
        batcher.add(parcel, destination, 0.0)
    assert _contents(batcher.take(0.0)) == [1]
    assert _contents(batcher.take(0.0)) == [3]
    assert batcher.take(9.0) is None
    batcher.settled([first], 0.0)
    assert _contents(batcher.take(0.0)) == [2]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), max_size=60),
    st.integers(1, 5),
)
def test_in_order_no_user_is_ever_overtaken_and_nothing_is_lost(
    arrivals: list[tuple[str, str, bool]], size: int
) -> None:
    """For any arrivals, batch size and moments of settling: each user's pieces are taken in order, one batch at a time."""
    batcher, destination = Batcher(), _Destination(ordered=True)
    under_way: list[Batch] = []
    taken: list[Parcel] = []

    def take_all() -> None:
        while (batch := batcher.take(1e9)) is not None:
            users = {parcel.job.user_key for parcel in batch.parcels}
            assert not any(parcel.job.user_key in users for other in under_way for parcel in other.parcels)
            under_way.append(batch)
            taken.extend(batch.parcels)

    for number, (user, key, settle) in enumerate(arrivals):
        batcher.add(_parcel(number, user, key, size), destination, 0.0)
        take_all()
        if settle and under_way:
            batcher.settled(under_way.pop(0).parcels, 0.0)
    take_all()
    while under_way:
        batcher.settled(under_way.pop(0).parcels, 0.0)
        take_all()
    for user in "abc":
        expected = [number for number, arrival in enumerate(arrivals) if arrival[0] == user]
        assert [parcel.piece.content for parcel in taken if parcel.job.user_key == user] == expected
