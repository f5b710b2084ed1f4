"""Ten thousand datagrams of garbage among a hall's own packets: nobody in the hall loses one."""

from __future__ import annotations

import random
import socket
import time

from tests.conftest import Figures
from tests.streaming.crowd import Crowd, crowd, resident_mb
from tests.streaming.light import LightPeer

GUESTS, STEPS = 20, 260
FIRST_BYTES = (0, 1, 3, 4, 19, 20, 22, 23, 63, 64, 79, 127, 128, 144, 191, 192, 255)


class Garbage:
    """Noise, and real datagrams cut short, bent or grown long."""

    def __init__(self, samples: list[bytes]) -> None:
        self._samples = samples
        self._chance = random.Random(4)

    def one(self) -> bytes:
        """The next datagram; may be empty."""
        chance = self._chance
        match chance.randrange(5):
            case 0:
                return chance.randbytes(chance.randrange(0, 1500))
            case 1:
                first = bytes([chance.choice(FIRST_BYTES)])
                return first + chance.randbytes(chance.randrange(0, 200))
            case 2:
                real = chance.choice(self._samples)
                return real[: chance.randrange(len(real))]
            case 3:
                real = chance.choice(self._samples)
                bent = bytearray(real)
                for _ in range(chance.randrange(1, 8)):
                    bent[chance.randrange(len(bent))] = chance.randrange(256)
                if bent == real:
                    bent[-1] ^= 1  # a true check is no garbage: it would bind where it came from
                return bytes(bent)
            case _:
                return chance.choice(self._samples) + chance.randbytes(chance.randrange(1, 600))


def tap(peer: LightPeer, into: list[bytes]) -> None:
    """Keep what a peer sends."""
    send = peer._send

    def kept(data: bytes) -> None:
        into.append(data)
        send(data)

    peer._send = kept  # type: ignore[method-assign]  # to have real datagrams


async def real_datagrams(hall: Crowd) -> list[bytes]:
    """A check, a handshake record, sealed packets and reports, as they really went."""
    found: list[bytes] = []
    late = hall.guests[0]
    tap(late, found)
    late.check()
    late.send_rtcp(bytes.fromhex("80c9000100000001"))
    tap(hall.artist, found)
    hall.step()
    hall.artist.send_rtcp(bytes.fromhex("80c9000100000001"))
    await hall.settled()
    late.received.clear()
    for each in hall.guests:
        each.received.clear()
    found.append(
        bytes.fromhex("16feff0000000000000000003101000025000000000000002500feff") + bytes(40)
    )
    return found


async def test_ten_thousand_datagrams_of_garbage_cost_the_hall_nothing(figures: Figures) -> None:
    async with crowd(GUESTS) as hall:
        garbage = Garbage(await real_datagrams(hall))
        strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
        to, sent = hall.artist._to, 0
        before, memory, began = hall.counters, resident_mb(), time.thread_time()

        def attack(step: int) -> None:
            nonlocal sent
            for number in range(2 * GUESTS):  # as many as leave for the hall
                data = garbage.one()
                # half from nowhere, half under the address of somebody in the hall or of the artist
                if number % 2:
                    strangers[number % 4].sendto(data, to)
                else:
                    peers = (hall.artist, *hall.guests)
                    peers[(step + number) % len(peers)].sock.sendto(data, to)
                sent += 1

        await hall.play(STEPS, attack)
        await hall.settled()
        after = hall.counters
        for each in strangers:
            each.close()
        assert sent >= 10_000
        received = after["datagrams_received"] - before["datagrams_received"]
        assert received >= sent, "all of it went through the reader"
        odd = sum(
            after[f"datagrams_{name}"] - before[f"datagrams_{name}"]
            for name in ("strangers", "malformed", "foreign", "forged", "unproved")
        )
        assert odd >= 0.8 * sent, "counted (records of DTLS are the association's to judge)"
        assert len(hall.relay._port.owners) == 1 + GUESTS
        figures.note("garbage among a hall's packets", sent, "datagrams, loss 0")
        figures.note("garbage: grown memory", resident_mb() - memory, "MB")
        figures.at_most(
            "garbage: a step of 40 of them and 40 packets of the hall, peers included",
            (time.thread_time() - began) * 1000 / STEPS, 4, "ms",
        )  # fmt: skip
