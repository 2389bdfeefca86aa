import pytest

from probes.sip_transaction import Deed, NonInviteTransaction, TransactionState


def life(transaction, *, provisional_at=None):
    """Drive a transaction that nobody answers; when was the request sent, when given up, when forgotten."""
    sent, given_up, now = [0.0], None, 0.0
    while True:
        wait = transaction.wait
        if provisional_at is not None and now <= provisional_at < now + wait:
            transaction.received(100)
        now += wait
        deed = transaction.woke()
        if deed is Deed.SEND_AGAIN:
            sent.append(now)
        elif deed is Deed.GIVE_UP:
            given_up = now
        elif deed is Deed.FORGET:
            return sent, given_up, now


@pytest.mark.parametrize(
    ("cut_off", "sent"),
    [
        (0.3, [0.0]),
        (0.5, [0.0]),
        (1.0, [0.0, 0.5]),
        (2.0, [0.0, 0.5, 1.5]),
        (5.0, [0.0, 0.5, 1.5, 3.5]),
        (32.0, [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]),
    ],
)
def test_a_request_is_repeated_at_doubling_intervals_up_to_t2_until_the_cut_off(cut_off, sent):
    assert life(NonInviteTransaction(cut_off=cut_off))[:2] == (sent, cut_off)


def test_with_the_cut_off_of_the_rfc_the_request_is_sent_eleven_times():
    sent, _, _ = life(NonInviteTransaction(cut_off=32.0))
    assert len(sent) == 11  # RFC 3261, 17.1.2.1: at 0, 500 ms, 1.5, 3.5, 7.5, then every 4 s


def test_once_provisionally_answered_the_request_is_repeated_every_t2():
    sent, given_up, _ = life(NonInviteTransaction(cut_off=12.0), provisional_at=0.2)
    assert sent == [0.0, 0.5, 4.5, 8.5]
    assert given_up == 12.0


def test_a_final_answer_is_taken_once_and_its_repetitions_are_not():
    transaction = NonInviteTransaction(cut_off=2.0)
    assert transaction.received(200) is Deed.TAKE_ANSWER
    assert transaction.state is TransactionState.COMPLETED
    assert [transaction.received(status) for status in (200, 486, 100)] == [Deed.NOTHING] * 3


def test_a_provisional_answer_is_remembered_and_keeps_the_transaction_open():
    transaction = NonInviteTransaction(cut_off=2.0)
    assert transaction.received(183) is Deed.NOTHING
    assert (transaction.state, transaction.provisional) == (TransactionState.PROCEEDING, 183)
    assert transaction.is_open
    assert transaction.received(503) is Deed.TAKE_ANSWER


def test_an_answered_transaction_is_never_sent_again_and_is_kept_for_timer_k():
    transaction = NonInviteTransaction(cut_off=5.0)
    transaction.received(404)
    assert transaction.woke() is Deed.NOTHING
    assert transaction.wait == 5.0
    assert transaction.woke() is Deed.FORGET
    assert transaction.state is TransactionState.TERMINATED


def test_an_answer_after_the_cut_off_is_late_and_changes_nothing():
    transaction = NonInviteTransaction(cut_off=0.5)
    assert transaction.woke() is Deed.GIVE_UP
    assert transaction.was_given_up
    assert transaction.received(200) is Deed.NOTHING
    assert transaction.state is TransactionState.TERMINATED


def test_a_transport_that_cannot_send_ends_the_transaction():
    transaction = NonInviteTransaction(cut_off=2.0)
    transaction.failed()
    assert transaction.received(200) is Deed.NOTHING
    assert not transaction.was_given_up
    assert [transaction.woke(), transaction.woke()] == [Deed.NOTHING, Deed.FORGET]


@pytest.mark.parametrize("cut_off", [0.05, 0.5, 0.7, 1.0, 1.5, 2.0, 3.3, 5.0, 32.0])
def test_thousands_of_transactions_wait_for_a_handful_of_lengths(cut_off):
    lengths = set()
    for answered_after in range(12):
        transaction = NonInviteTransaction(cut_off=cut_off)
        for step in range(30):
            lengths.add(transaction.wait)
            if step == answered_after:
                transaction.received(200)
            if transaction.woke() is Deed.FORGET:
                break
    assert len(lengths) <= 6
