"""The checks of ICE-lite, held against aioice as a second opinion."""

from __future__ import annotations

import struct

from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from streaming import ice
from streaming.ice import Credentials, IceLite, Path

HERE = Path(0, "192.0.2.7", 40000)
THERE = Path(0, "198.51.100.9", 50000)


def agent() -> IceLite:
    return IceLite(Credentials(b"ours", b"our-password-22-bytes-long", b"them", b"their-password"))


def request(
    *,
    username: str = "ours:them",
    password: bytes | None = b"our-password-22-bytes-long",
    **attributes: object,
) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = username
    message.attributes["PRIORITY"] = 1
    for name, value in attributes.items():
        message.attributes[name.replace("_", "-")] = value
    if password is not None:
        message.add_message_integrity(password)
    return bytes(message)


def judge(mine: IceLite, data: bytes, path: Path = HERE, now_ms: float = 0.0) -> ice.Verdict:
    message = ice.parse(data)
    assert message is not None
    if message.kind == ice.REQUEST:
        return mine.on_request(data, message, path, now_ms)
    return mine.on_response(data, message, path, now_ms)


def reply(asked: bytes, password: bytes = b"their-password", error: int | None = None) -> bytes:
    question = stun.parse_message(asked)
    kind = stun.Class.RESPONSE if error is None else stun.Class.ERROR
    message = stun.Message(stun.Method.BINDING, kind, transaction_id=question.transaction_id)
    if error is not None:
        message.attributes["ERROR-CODE"] = (error, "no")
    message.add_message_integrity(password)
    return bytes(message)


def test_a_good_request_is_answered_with_where_it_came_from() -> None:
    data = request(ICE_CONTROLLING=7)
    verdict = judge(agent(), data)
    assert verdict.good and verdict.answer is not None
    answer = stun.parse_message(verdict.answer)
    answer.check_message_integrity(b"our-password-22-bytes-long")
    assert answer.message_class == stun.Class.RESPONSE
    assert answer.transaction_id == stun.parse_message(data).transaction_id
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == (HERE.host, HERE.port)
    assert "FINGERPRINT" in answer.attributes


def test_addresses_are_written_in_their_own_family_and_mapped_ones_as_ipv4() -> None:
    for host, told in (
        ("2001:db8::5", "2001:db8::5"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
    ):
        verdict = judge(agent(), request(), Path(0, host, 1234))
        assert verdict.answer is not None
        mapped = stun.parse_message(verdict.answer).attributes["XOR-MAPPED-ADDRESS"]
        assert mapped == (told, 1234)


def test_what_is_not_ours_to_the_letter_changes_nothing_and_gets_no_answer() -> None:
    wrong = [
        request(password=None),
        request(password=b"another-password"),
        request(username="ours:stranger"),
        request(username="ours"),
        request(username="ours:them:more"),
        request(username="stranger:them"),
    ]
    for data in wrong:
        mine = agent()
        assert judge(mine, data) == ice.NOTHING
        assert not mine.addresses and mine.heard_ms == float("-inf")


def test_attributes_behind_the_integrity_are_not_believed() -> None:
    plain = request()
    tail = ice.attribute(ice.USE_CANDIDATE, b"")
    # fingerprint away, an unprotected USE-CANDIDATE in its place
    cut = plain[:-8] + tail
    forged = cut[:2] + struct.pack("!H", len(cut) - 20) + cut[4:]
    mine = agent()
    mine.selected = THERE
    verdict = judge(mine, forged)
    assert verdict.good and verdict.ask is None


def test_a_client_that_thinks_itself_controlled_is_told_487() -> None:
    mine = agent()
    verdict = judge(mine, request(ICE_CONTROLLED=9))
    assert not verdict.good and verdict.answer is not None and not mine.addresses
    answer = stun.parse_message(verdict.answer)
    answer.check_message_integrity(b"our-password-22-bytes-long")
    assert answer.attributes["ERROR-CODE"][0] == 487


def test_without_priority_a_request_is_taken() -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = "ours:them"
    message.add_message_integrity(b"our-password-22-bytes-long")
    assert judge(agent(), bytes(message)).good


def test_media_moves_only_to_a_nominated_address_that_answered_us() -> None:
    mine = agent()
    judge(mine, request())
    mine.select(HERE)
    assert judge(mine, request(), THERE).ask is None, "not nominated"
    verdict = judge(mine, request(USE_CANDIDATE=None), THERE, 10.0)
    assert verdict.ask is not None and mine.selected == HERE
    asked = stun.parse_message(verdict.ask)
    asked.check_message_integrity(b"their-password")
    assert asked.attributes["USERNAME"] == "them:ours"
    assert "ICE-CONTROLLED" in asked.attributes and "PRIORITY" in asked.attributes

    assert not judge(mine, reply(verdict.ask), HERE, 11.0).moved, "from another address"
    assert not judge(mine, reply(verdict.ask, b"wrong"), THERE, 11.0).moved
    answered = judge(mine, reply(verdict.ask), THERE, 12.0)
    assert answered.moved and mine.selected == THERE
    assert mine.rtt_ms == 2.0
    assert not judge(mine, reply(verdict.ask), THERE, 13.0).good, "answered once"


def test_an_error_or_no_answer_means_no_move() -> None:
    mine = agent()
    judge(mine, request())
    mine.select(HERE)
    verdict = judge(mine, request(USE_CANDIDATE=None), THERE)
    assert verdict.ask is not None
    assert not judge(mine, reply(verdict.ask, error=487), THERE, 1.0).moved
    assert mine.selected == HERE
    late = judge(mine, request(USE_CANDIDATE=None), THERE, 1_000.0)
    assert late.ask is not None
    assert not judge(mine, reply(late.ask), THERE, 60_000.0).moved


def test_at_most_eight_addresses_and_never_the_selected_one_is_forgotten() -> None:
    mine = agent()
    judge(mine, request(), HERE, 0.0)
    mine.select(HERE)
    dropped = []
    for port in range(20):
        path = Path(0, "198.51.100.9", 1000 + port)
        dropped.append(judge(mine, request(), path, 1.0 + port).dropped)
    assert [d.port for d in dropped if d is not None] == [1000 + n for n in range(13)]
    assert len(mine.addresses) == 8 and HERE in mine.addresses
    assert Path(0, "198.51.100.9", 1019) in mine.addresses


def test_before_the_answer_is_known_nothing_is_good() -> None:
    mine = IceLite(ice.new_credentials())
    ours = mine.credentials
    data = request(username=f"{ours.ours.decode()}:", password=ours.our_password)
    assert judge(mine, data) == ice.NOTHING


@given(st.binary(max_size=200))
def test_garbage_never_raises(data: bytes) -> None:
    ice.parse(data)
    ice.parse(b"\x00\x01" + struct.pack("!H", len(data)) + ice.COOKIE + bytes(12) + data)


@given(st.data())
def test_one_flipped_bit_before_the_fingerprint_is_never_good(data: st.DataObject) -> None:
    whole = bytearray(request(USE_CANDIDATE=None))
    at = data.draw(st.integers(0, (len(whole) - 8) * 8 - 1))  # the fingerprint is no secret
    whole[at // 8] ^= 1 << at % 8
    message = ice.parse(bytes(whole))
    if message is not None:
        mine = agent()
        verdict = mine.on_request(bytes(whole), message, HERE, 0.0)
        assert not verdict.good


@given(st.integers(0, 65535), st.ip_addresses().map(str))
def test_aioice_reads_every_address_we_write(port: int, host: str) -> None:
    answer = ice.success(bytes(12), Path(0, host, port), b"password")
    told = stun.parse_message(answer).attributes["XOR-MAPPED-ADDRESS"]
    if not host.startswith("::ffff:"):
        assert told == (host, port)
