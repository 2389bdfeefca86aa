"""A vantage elsewhere and its line to the service: what is cut is kept, what is kept comes in order, once."""

import threading
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from monitor.receiving import BatchReceiver, Receipt
from probes.bus_http import HttpPublisher
from probes.bus_wire import encode, frames
from probes.models import Flag, Look, Outcome, batch_of
from probes.spool import Spool
from tests.support.servers import until

TOKEN = "a-vantage-s-token"
MINUTE_NS = 60_000_000_000


def a_batch(sequence, *, at_ns=None, rows=1):
    at_ns = time.time_ns() if at_ns is None else at_ns
    looks = [Look(target=n, at_ns=at_ns, outcome=Outcome.OK, rtt=0.01, detail="x" * 20) for n in range(rows)]
    return batch_of(looks, vantage="V1", fleet="f", epoch=1, sequence=sequence)


class Service:
    """The hook on a real port; ``status`` other than 204 answers that instead, ``deaf`` takes and does not say so."""

    def __init__(self):
        self.batches = []
        self.status = 204
        self.deaf = False
        self.receiver = BatchReceiver(tokens={"V1": sha256(TOKEN.encode()).hexdigest()}, publisher=self)
        outer = self

        class Hook(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.status
                if status == 204:
                    vantage = outer.receiver.vantage_of(self.headers["Authorization"])
                    assert outer.receiver.take(vantage, body)[0] is Receipt.TAKEN
                    if outer.deaf:
                        self.close_connection = True
                        return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/batches"

    def publish(self, batch):
        self.batches.append(batch)

    @property
    def sequences(self):
        return [batch.sequence for batch in self.batches]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service():
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def publisher(service, tmp_path):
    publisher = a_publisher(service.url, tmp_path)
    publisher.start()
    yield publisher
    publisher.stop()


def a_publisher(url, folder, *, token=TOKEN, **given):
    return HttpPublisher(
        url=url,
        token=token,
        spool=Spool(folder / "spool", **given),
        monotonic=time.monotonic,
        wall_ns=time.time_ns,
        retry_seconds=0.05,
    )


def test_batches_arrive_in_order_and_nothing_touches_the_disk(publisher, service, tmp_path):
    for sequence in range(1, 51):
        publisher.publish(a_batch(sequence))
    until(lambda: service.sequences == list(range(1, 51)), what="fifty batches")
    assert not list((tmp_path / "spool").iterdir())
    assert publisher.statistics.spooled == 0


@pytest.mark.parametrize("status", [503, 500, 401, 404])
def test_while_the_service_refuses_batches_wait_and_then_come_in_order(publisher, service, status):
    service.status = status
    for sequence in range(1, 11):
        publisher.publish(a_batch(sequence))
        if sequence == 5:
            until(lambda: publisher.statistics.spooled >= 5, what="spooling")
    until(lambda: publisher.statistics.spooled == 10, what="spooling")
    assert publisher.statistics.last_problem == f"status {status}"
    service.status = 204
    until(lambda: len(service.batches) == 10, what="the replay")
    publisher.publish(a_batch(11))
    until(lambda: service.sequences == list(range(1, 12)), what="the batch behind the spool")
    until(lambda: publisher.spooled_bytes == 0, what="an empty spool")


def test_what_is_older_than_a_minute_is_marked_as_replayed(publisher, service):
    service.status = 503
    publisher.publish(a_batch(1, at_ns=time.time_ns() - 2 * MINUTE_NS))
    publisher.publish(a_batch(2))
    until(lambda: publisher.statistics.spooled == 2, what="spooling")
    service.status = 204
    until(lambda: service.sequences == [1, 2], what="the replay")
    assert [bool(batch.flags[0] & Flag.REPLAYED) for batch in service.batches] == [True, False]


def test_what_was_taken_without_a_word_is_sent_again_and_not_doubled(publisher, service):
    service.deaf = True
    publisher.publish(a_batch(1))
    until(lambda: publisher.statistics.failures >= 2, what="posts that nobody answered")
    service.deaf = False
    publisher.publish(a_batch(2))
    until(lambda: service.sequences == [1, 2] and publisher.spooled_bytes == 0, what="both, once")
    assert service.receiver.repeated >= 1


def test_a_body_that_can_never_be_read_is_dropped_and_counted(publisher, service):
    service.status = 422
    publisher.publish(a_batch(1))
    until(lambda: publisher.statistics.refused == 1, what="a refusal")
    service.status = 204
    publisher.publish(a_batch(2))
    until(lambda: service.sequences == [2], what="the next batch")


def test_what_is_left_at_the_end_lies_in_the_spool_and_the_next_life_sends_it_first(service, tmp_path):
    service.status = 503
    first = a_publisher(service.url, tmp_path)
    first.start()
    for sequence in range(1, 6):
        first.publish(a_batch(sequence))
    first.stop()
    assert not service.batches
    service.status = 204
    second = a_publisher(service.url, tmp_path)
    second.publish(a_batch(6))
    second.start()
    until(lambda: service.sequences == [1, 2, 3, 4, 5, 6], what="both lives")
    second.stop()


def test_a_spool_is_bounded_and_drops_its_oldest_batches(tmp_path):
    spool = Spool(tmp_path, most_bytes=3_000, file_bytes=1_000)
    spool.open()
    for sequence in range(1, 101):
        spool.append(encode(a_batch(sequence)))
    assert spool.bytes <= 3_000
    assert spool.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    kept = []
    while found := spool.oldest():
        kept += found
        spool.delivered()
    assert spool.dropped == 100 - len(kept)
    assert kept[-1] == encode_again(kept[-1])
    assert not list(tmp_path.iterdir())


def encode_again(frame):
    return b"".join(frames(frame))


def test_what_a_crash_left_half_written_is_left_out_and_the_rest_is_kept(tmp_path):
    spool = Spool(tmp_path)
    spool.open()
    spool.append(encode(a_batch(1)) + encode(a_batch(2)))
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    again = Spool(tmp_path)
    again.open()
    assert len(again.oldest()) == 1
    assert again.torn == 1
    again.delivered()
    again.append(encode(a_batch(3)))
    assert len(again.oldest()) == 1


def test_a_new_life_never_writes_behind_a_torn_frame(tmp_path):
    spool = Spool(tmp_path)
    spool.open()
    spool.append(encode(a_batch(1)) + encode(a_batch(2)))
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    again = Spool(tmp_path)
    again.open()
    again.append(encode(a_batch(3)))
    kept = []
    while found := again.oldest():
        kept += found
        again.delivered()
    assert len(kept) == 2


def test_files_that_are_not_ours_stay_untouched(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "x.batches").write_text("mine")
    spool = Spool(tmp_path)
    spool.open()
    assert len(spool) == 0
    assert spool.oldest() == []


def test_nothing_listening_is_no_fault_of_the_vantage(tmp_path):
    publisher = a_publisher("http://127.0.0.1:9/hooks/batches", tmp_path)
    publisher.start()
    publisher.publish(a_batch(1))
    until(lambda: publisher.statistics.spooled == 1, what="spooling")
    began = time.monotonic()
    publisher.stop()
    assert time.monotonic() - began < 3
