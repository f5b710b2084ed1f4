"""From an offer to a session, and from an offer of ours to its answer (RFC 9429)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.clock import Clock
from infra.errors import BadInput, Unacceptable
from infra.scope import TaskScope
from streaming import describe, fragment, sdp
from streaming.describe import Ours, Stream
from streaming.feed import Feed
from streaming.ports import FeedId, Grant, Kind, Negotiated, Want
from streaming.private import Certificate, Role
from streaming.sdp import Description
from streaming.session import PublishSession, Session, ViewSession, shape_of
from streaming.states import SessionState
from streaming.udp import MediaPort
from streaming.viewer import MediaShape

HANDSHAKES_AT_ONCE = 4
CERTIFICATE_MS = 24 * 3600 * 1000.0
KINDS: tuple[Kind, Kind] = ("audio", "video")


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """`port` 0 takes any; `addresses` None binds all of the host's; `public_addresses` are told to
    peers first (what a NAT in front of us shows)."""

    port: int = 0
    addresses: tuple[str, ...] | None = None
    public_addresses: tuple[str, ...] = ()


class Negotiation:
    """Makes sessions of offers. At most four viewers' handshakes are at work at a time, so that a
    crowd at the door never holds up the stage; publishers never wait."""

    def __init__(
        self,
        config: RelayConfig,
        port: MediaPort,
        clock: Clock,
        told: Callable[[Session, str | None], None],
        touched: set[Feed],
        scope: TaskScope,
    ) -> None:
        self._config = config
        self._port = port
        self._clock = clock
        self._told = told
        self._touched = touched
        self._scope = scope
        self._gate = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
        self._certificate: tuple[Certificate, float] | None = None

    def published(
        self, grant: Grant, feed: Feed, feed_id: FeedId, offer: str
    ) -> tuple[PublishSession, Negotiated]:
        """A publisher's session and our answer. Raises as `sdp.parse` and `choose_published`."""
        description = sdp.parse(offer)
        taken = describe.choose_published(description)
        setup, role = _roles(description)
        session = PublishSession(
            grant,
            self._port,
            self._clock,
            self._certificate_now(),
            self._told,
            feed,
            feed_id,
            taken,
            self._touched,
        )
        session.sections = tuple((t.kind, t.section.mid) for t in taken)
        session.setup = setup
        answer = describe.published_answer(
            description, taken, self._ours(session), setup, session.version
        )
        self._begin(session, description, role, gate=None)
        return session, Negotiated(grant.session, answer, session.etag)

    def viewed(
        self, grant: Grant, want: Want, feeds: Sequence[Feed], offer: str
    ) -> tuple[ViewSession, Negotiated]:
        """A viewer's session and our answer. Raises as `sdp.parse` and `choose_viewed`."""
        description = sdp.parse(offer)
        codecs = [track.codec for feed in feeds for track in feed.info.tracks]
        taken = describe.choose_viewed(description, codecs)
        setup, role = _roles(description)
        session = self._viewing(grant)
        session.sections = tuple((t.kind, t.section.mid) for t in taken)
        slot = session.add_slot()
        streams = {t.section.mid: slot[t.kind] for t in taken}
        answer = describe.viewed_answer(
            description, taken, streams, self._ours(session), setup, session.version
        )
        session.watch(want, feeds)
        session.agreed(
            0,
            [
                shape_of(t.kind, slot[t.kind], t.section.mid, t.codecs, t.extensions.get(sdp.MID))
                for t in taken
            ],
        )
        self._begin(session, description, role, gate=self._gate)
        return session, Negotiated(grant.session, answer, session.etag)

    def offered(
        self, grant: Grant, want: Want, feeds: Sequence[Feed]
    ) -> tuple[ViewSession, Negotiated]:
        """A viewer's session and our offer to it, of at least one slot."""
        session = self._viewing(grant)
        session.offered = True
        session.watch(want, feeds)
        return session, self._offer(session, max(1, len(feeds)))

    def offered_more(self, session: ViewSession, slots: int) -> Negotiated | None:
        """A new offer if there are fewer slots than this, else None."""
        if slots <= len(session.slots):
            return None
        session.version += 1
        return self._offer(session, slots)

    def _offer(self, session: ViewSession, slots: int) -> Negotiated:
        while len(session.slots) < slots:
            session.add_slot()
        sections: list[tuple[str, Kind, Stream]] = [
            (str(2 * index + place), kind, slot[kind])
            for index, slot in enumerate(session.slots)
            for place, kind in enumerate(KINDS)
        ]
        text = describe.view_offer(sections, self._ours(session), "actpass", session.version)
        return Negotiated(session.grant.session, text, session.etag)

    def answered(self, session: ViewSession, text: str) -> None:
        """Take the answer to the newest offer. Raises as `sdp.parse`, and `BadInput` for another's."""
        description = sdp.parse(text)
        if len(description.sections) != 2 * len(session.slots):
            raise BadInput("sdp", "sections differ from the offer's", sentence=sdp.SENTENCE)
        if session.fingerprints not in (frozenset(), _prints(description)):
            raise Unacceptable("other_fingerprint", "the keys of a session stay")
        agreed: list[tuple[int, list[MediaShape]]] = []
        for index in range(len(session.viewers), len(session.slots)):
            shapes: list[MediaShape] = []
            for place, kind in enumerate(KINDS):
                section = description.sections[2 * index + place]
                if section.kind != kind:
                    raise BadInput("sdp", "sections in another order", sentence=sdp.SENTENCE)
                if section.receives:
                    names = describe.AUDIO if kind == "audio" else describe.VIDEO
                    shapes.append(
                        shape_of(
                            kind,
                            session.slots[index][kind],
                            str(2 * index + place),
                            sdp.find(section, kind, names),
                            section.extensions.get(sdp.MID),
                        )
                    )
            agreed.append((index, shapes))
        for index, shapes in agreed:
            session.agreed(index, shapes)
        if session.machine.state is SessionState.NEW:
            role: Role = "client" if description.setup == "passive" else "server"
            self._begin(session, description, role, gate=self._gate)
        else:
            self._renew(session, description.ufrag, description.password)

    # -- ICE restarts (RFC 8445 9): new names; keys, numbers and the way media takes stay -----------

    def reoffered(self, session: ViewSession) -> Negotiated:
        """A new offer to a viewer, with new names of ours where the old ones are in use."""
        session.version += 1
        if session.machine.state is not SessionState.NEW:
            session.peer.renew()
        return self._offer(session, len(session.slots))

    def reanswered(self, session: PublishSession, offer: str) -> Negotiated:
        """The answer to a publisher's offer that restarts ICE and changes nothing else.

        Raises as `sdp.parse`, and `Unacceptable` (code `not_a_restart`) for any other offer.
        """
        description = sdp.parse(offer)
        taken = describe.choose_published(description)
        if not (
            session.agrees(taken)
            and session.fingerprints == _prints(description)
            and session.generations.restarts(description.ufrag, description.password)
        ):
            raise Unacceptable("not_a_restart", "an offer that changes more than ICE, or nothing")
        session.version += 1
        session.peer.renew()
        self._renew(session, description.ufrag, description.password)
        answer = describe.published_answer(
            description, taken, self._ours(session), session.setup, session.version
        )
        return Negotiated(session.grant.session, answer, session.etag)

    def patched(self, session: Session, text: str, *, restart: bool) -> Negotiated | None:
        """Take a fragment of WHIP or WHEP: ours in answer to a restart, None where it only told
        candidates, which are ignored (we are ICE-lite). Asked to `restart` once more with names that
        were not used yet, it answers as before: the first answer may have been lost.

        Raises as `fragment.parse` and `Generations.restarts`, and `Unacceptable` for sections that the
        session does not have (`no_such_section`) or a peer that would not check either (`ice_lite`).
        """
        told = fragment.parse(text)
        if not set(told.mids) <= {mid for _, mid in session.sections}:
            raise Unacceptable("no_such_section")
        if told.lite:
            raise Unacceptable("ice_lite", "one side must send checks, and it is not this one")
        if not told.ufrag:
            return None
        if session.generations.restarts(told.ufrag, told.password):
            session.version += 1
            session.peer.renew()
            self._renew(session, told.ufrag, told.password)
        elif not restart or session.peer.ice.renewed is None:
            return None
        body = fragment.ours(self._ours(session), session.sections)
        return Negotiated(session.grant.session, body, session.etag)

    def _renew(self, session: Session, ufrag: str, password: str) -> None:
        if session.peer.ice.renewed is not None:
            session.peer.renewed_by(ufrag, password)
            session.generations.begin(ufrag, password)

    def _viewing(self, grant: Grant) -> ViewSession:
        return ViewSession(grant, self._port, self._clock, self._certificate_now(), self._told)

    def _begin(
        self,
        session: Session,
        description: Description,
        role: Role,
        gate: asyncio.Semaphore | None,
    ) -> None:
        session.machine.to(SessionState.NEGOTIATING)
        session.fingerprints = _prints(description)
        session.generations.begin(description.ufrag, description.password)
        session.peer.start(
            description.ufrag,
            description.password,
            description.fingerprints,
            role,
            self._scope,
            gate,
        )

    def _ours(self, session: Session) -> Ours:
        credentials = session.peer.ice.renewed or session.peer.ice.credentials
        hosts = dict.fromkeys((*self._config.public_addresses, *self._port.hosts))
        return Ours(
            credentials.ours.decode(),
            credentials.our_password.decode(),
            session.peer.certificate.fingerprint(),
            tuple((host, self._port.port) for host in hosts),
        )

    def _certificate_now(self) -> Certificate:
        now_ms = self._clock.monotonic_ms()
        if self._certificate is None or now_ms - self._certificate[1] > CERTIFICATE_MS:
            self._certificate = (Certificate.generateCertificate(), now_ms)
        return self._certificate[0]


def _prints(description: Description) -> frozenset[tuple[str, str]]:
    return frozenset((kind.lower(), value.upper()) for kind, value in description.fingerprints)


def _roles(offer: Description) -> tuple[str, Role]:
    """Our setup value and DTLS role for an offer: passive, and active only where the peer is passive."""
    return ("active", "client") if offer.setup == "passive" else ("passive", "server")
