"""The model of many ranks: numbers that a hand can follow."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.distributed import mpi
from tools.scaling import namespaces, plan
from tools.scaling.__main__ import main, markdown, to_json
from tools.scaling.fit import fit
from tools.scaling.model import Host, Network, Prediction, predict, predict_sum
from tools.scaling.picture import draw
from tools.scaling.profile import Profile, Sent, from_json, profile, seconds
from tools.scaling.profile import to_json as profile_to_json
from tools.scaling.recorder import Recorder, Span
from tools.scaling.timeline import draw as draw_timeline
from tools.scaling.timeline import flights, row
from tools.scaling.traffic import Round, exchange, gathering

DOCS = Path(__file__).parents[2] / "docs" / "scaling"
FREE = Host(handling=0.0, message=0.0, call=0.0, copying=0.0, unattended=inf, spin=inf, nap=1.0)
LINK = Network(bandwidth=100.0, latency=0.0)
ONE = Profile("one", 3, 2, 3.0, (5.0,), (Sent(0, 400),), 7.0)  # a bucket that leaves at 8
TWO = replace(ONE, backward=(5.0, 11.0))  # and a step behind which it can hide


# -- messages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ranks", "size", "rounds"),
    [
        (2, 10, [Round(5, 1)]),
        (3, 9, [Round(6, 2)]),
        (70, 700, [Round(320, 32), Round(320, 32), Round(50, 5)]),  # 69 others, 32 at a time
    ],
)
def test_parts_are_exchanged_directly(ranks: int, size: int, rounds: list[Round]) -> None:
    assert exchange(ranks, size) == rounds


@pytest.mark.parametrize(
    ("ranks", "size", "sent"),
    [
        (2, 10, [5]),
        (8, 800, [100, 200, 400]),
        (8, 512 << 10, [64 << 10] * 7),  # along the ring
        (5, 1000, [200, 400, 200]),
        (5, 80 << 10, [16 << 10] * 4),
    ],
)
def test_sums_are_gathered(ranks: int, size: int, sent: list[int]) -> None:
    assert [each.bytes for each in gathering(ranks, size)] == sent
    assert all(each.messages == 1 for each in gathering(ranks, size))


@given(ranks=st.integers(2, 600), size=st.integers(4, 1 << 28))
def test_each_half_sends_all_but_the_own_part(ranks: int, size: int) -> None:
    for half in (exchange, gathering):
        assert sum(each.bytes for each in half(ranks, size)) == pytest.approx(size * (ranks - 1) / ranks)


# -- an iteration --------------------------------------------------------------------------------------


def test_alone() -> None:
    assert predict(TWO, 1, FREE, LINK) == Prediction(3 + 5 + 11 + 7)


def test_nothing_hides_the_last_bucket() -> None:
    # half of 400 bytes takes 2 s; 16 bytes of flags follow it, then the other half
    expected = 8 + 2 + 0.16 + 2 + 7
    found = predict(ONE, 2, FREE, LINK)
    assert found == Prediction(pytest.approx(expected), pytest.approx(4.16), 200 + 200 + 16, 3)


def test_a_bucket_hides_behind_the_next_step() -> None:
    # it is exchanged at 10, which the rank sees at 19; the flags wait behind the other half
    found = predict(TWO, 2, FREE, LINK)
    assert (found.seconds, found.waiting) == pytest.approx((19 + 2 + 0.16 + 7, 2.16))


def test_only_what_the_buffers_hold_moves_while_nobody_looks() -> None:
    # 60 of 200 bytes have moved at 19; the others take 1.4 s more, the flags 0.16 s, the other half 2 s
    found = predict(TWO, 2, replace(FREE, unattended=60), LINK)
    assert found.waiting == pytest.approx(1.4 + 0.16 + 2)


def test_buckets_share_what_the_buffers_hold() -> None:
    # of 200 and 100 bytes 250 have moved at 19; then 50, the first sum's 200, 16 of flags, the second sum's 100
    both = replace(TWO, buckets=(Sent(0, 400), Sent(0, 200)))
    assert predict(both, 2, replace(FREE, unattended=250), LINK).seconds == pytest.approx(19 + 3.66 + 7)


def test_what_is_still_on_the_wire_is_not_seen() -> None:
    # the exchange ends at 10 and arrives at 22; the flags leave at 19 and arrive at 31.16; then the other half
    found = predict(TWO, 2, FREE, replace(LINK, latency=12.0))
    assert found.seconds == pytest.approx(31.16 + 2 + 12 + 7)


def test_a_rank_that_naps_sees_things_later() -> None:
    # with the flags at 10.16, after half a second of looking and naps of 0.9: at 10.3; the gathering at 12.3, seen at 12.6
    found = predict(ONE, 2, replace(FREE, spin=0.5, nap=0.9), LINK)
    assert found.seconds == pytest.approx(12.6 + 7)


def test_what_the_processor_does() -> None:
    host = replace(FREE, call=1.0, copying=0.01, message=0.25)
    # packed, added up and unpacked; a message for each half; and the link's time
    assert predict_sum(400, 2, host, LINK) == pytest.approx(3 * (1 + 4) + 2 * 0.25 + 2 * 2)


def test_handling_costs_time_where_there_is_work_and_bounds_the_rate() -> None:
    assert predict_sum(400, 2, replace(FREE, handling=0.05), LINK) == pytest.approx(2 * 200 * 0.05)
    slower = predict(TWO, 2, replace(FREE, handling=0.004), LINK)  # 200 bytes are handled at 19
    assert slower.seconds == pytest.approx(19 + 0.8 + 2 + 0.16 + 7)


def test_each_round_of_the_ring_has_its_latency() -> None:
    size = 5 * 100_000  # 5 ranks: one round to exchange, 4 along the ring
    assert predict_sum(size, 5, FREE, Network(1e6, 0.5)) == pytest.approx(0.4 + 0.5 + 4 * (0.1 + 0.5))


def test_many_ranks_send_as_much_in_more_messages() -> None:
    few, many = (predict(ONE, ranks, FREE, LINK) for ranks in (2, 64))
    assert many.bytes == pytest.approx(2 * 400 * 63 / 64 + 6 * 16)
    assert (few.messages, many.messages) == (3, 63 + 6 + 6)


# -- what is measured ----------------------------------------------------------------------------------


def test_the_constants_are_found_again() -> None:
    host = replace(FREE, handling=3e-9, message=1e-5, call=2e-5, copying=1e-10, unattended=12345.0, spin=mpi.SPIN)
    network = Network(1e12, 4e-5)
    measured = {"one way": [[8, 4e-5], [1 << 20, 0.2]], "message": 1e-5, "copying": 1e-10, "unattended": 12345.0,
                "sum": [[size, predict_sum(size, 2, replace(host, spin=inf), network)] for size in (8, 1 << 24)]}
    found, on = fit(measured, 1e12)
    assert on == network
    assert found.handling == pytest.approx(3e-9, rel=1e-3)
    assert found.call == pytest.approx(2e-5, rel=1e-2)
    assert (found.message, found.copying, found.unattended, found.spin) == (1e-5, 1e-10, 12345.0, mpi.SPIN)


def iteration(late: float = 0.0) -> list[Span]:
    """One of two steps: a bucket leaves after the first one."""
    return [Span("forward", 0, 1, 3), Span("backward", 4, 3, 5), Span("start", 0, 5, 5.5), Span("backward", 2, 5.5, 8),
            Span("look", 0, 8, 8.5), Span("pooled", 0, 8.5, 9), Span("wait", 0, 9, 9.25 + late),
            Span("sum", 0, 9, 9.5 + late), Span("wait", 0, 9.5 + late, 10 + late),
            Span("collect", 0, 9.5 + late, 10.5 + late), Span("update", 0, 10.5 + late, 11 + late),
            Span("iteration", 0, 0, 11.5 + late)]


def recording() -> dict[str, Any]:
    return {"net": "n", "batch": 6, "threads": 1, "layers": ["a", "b", "c", "d", "e"], "buckets": [4096],
            "ranks": [[iteration()] * 3, [iteration(0.5)] * 3]}


def test_a_profile_of_a_recording() -> None:
    found = profile(recording())
    assert found == Profile("n", 6, 1, 3.0, (2.0, 2.5), (Sent(0, 4096),), 1.0)
    assert from_json(json.loads(json.dumps(profile_to_json(found)))) == found
    assert seconds(recording()) == 12.0  # the slower rank's


def test_when_buckets_are_on_their_way() -> None:
    assert flights(iteration()) == [("exchange", 0, 5.5, 9.25), ("gathering", 0, 9.5, 10)]
    # under way from 5.5 to 10 or 10.5, until 8 behind the backward pass; waits of 1.25 and 1.75 s
    assert row(recording()) == ["n", "6", "12000.0", "4", "4750.0", "53%", "1500.00", "12.7%"]


def test_the_timeline_is_drawn(tmp_path: Path) -> None:
    draw_timeline(recording(), tmp_path / "t.png")
    assert (tmp_path / "t.png").stat().st_size > 5000


def test_a_wrapped_function_is_recorded() -> None:
    class Thing:
        def double(self, x: int) -> int:
            return 2 * x

    recorder, thing = Recorder(), Thing()
    recorder.wrap(Thing, "double", "doubling", lambda self, x: x)
    assert thing.double(21) == 42
    (span,) = recorder.spans
    assert (span.kind, span.which) == ("doubling", 21)
    assert span.begin <= span.end


def test_what_is_watched_is_there() -> None:
    import caffe_lite.distributed.reducer as reducing
    from caffe_lite.distributed.solver import RankSolver
    from caffe_lite.net import Net

    for owner, names in ((reducing, ["finish"]), (reducing.Bucket, ["start", "sum", "collect", "is_exchanged"]),
                         (Net, ["forward"]),
                         (RankSolver, ["_step", "pooled", "apply_update"])):
        assert [name for name in names if not hasattr(owner, name)] == []


# -- the plan ------------------------------------------------------------------------------------------


def test_rates_beyond_the_processor_are_one() -> None:
    names = [each.name for each in plan.plans(replace(FREE, handling=4e-10), 1e-5)]  # 20 Gb/s
    assert names == ["TCP, 10 Gb/s", "TCP, 25/100 Gb/s", "RDMA, 10 Gb/s", "RDMA, 25 Gb/s", "RDMA, 100 Gb/s"]


def test_what_messages_get_of_a_link() -> None:
    assert plan.payload(8e9) == pytest.approx(1e9 * 1448 / (1514 + 33))


def test_the_table(tmp_path: Path) -> None:
    found = [plan.Row(ONE, plan.Plan("string", FREE, LINK), tuple(Prediction(s, 0, 0, 10) for s in (15, 20, 30, 60)))]
    assert "| string | 15,000 ms (100%) | 20,000 ms (75%) | 30,000 ms (50%) | 60,000 ms (25%) |" in markdown(found)
    assert json.loads(to_json(found))[0]["ranks"][2] == {"ranks": 64, "seconds": 30, "waiting": 0, "bytes": 0,
                                                         "messages": 10}
    draw(found, tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 5000


def test_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured = {"profiles": {"one": profile_to_json(ONE)}, "host": vars(replace(FREE, unattended=1e9, handling=1e-9)),
                "latency": 1e-5}
    (tmp_path / "m.json").write_text(json.dumps(measured))
    assert main(["--measured", str(tmp_path / "m.json"), "--output", str(tmp_path / "out")]) == 0
    assert "TCP, 10/25/100 Gb/s" in capsys.readouterr().out
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["scaling.json", "scaling.md", "scaling.png"]


def test_the_page_shows_what_the_model_says() -> None:
    measured, shown = (json.loads((DOCS / name).read_text()) for name in ("measured.json", "scaling.json"))
    siamese = from_json(measured["profiles"]["siamese"])
    cluster = plan.plans(Host(**measured["host"]), measured["latency"])[0]
    (entry,) = (each for each in shown if each["net"] == "siamese" and each["network"] == cluster.name)
    for ranks in entry["ranks"][:3]:
        found = predict(siamese, ranks["ranks"], cluster.host, cluster.network)
        assert found.seconds == pytest.approx(ranks["seconds"])


# -- machines ------------------------------------------------------------------------------------------


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name == "tc" else f"/bin/{name}")
    with (pytest.raises(namespaces.Refused, match="tc is not installed: apt-get install iproute2"),
          namespaces.hosts(2, tmp_path)):
        pass


def test_what_is_refused_is_quoted() -> None:
    with pytest.raises(namespaces.Refused, match="'ls /no/such/folder' failed: ls: cannot access"):
        namespaces.call("ls", "/no/such/folder")
