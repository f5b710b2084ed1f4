"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-03) resources, without HTTP.

What HTTP would say is returned (`Created`) or raised: an error of `infra.errors` carries the status.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from infra.errors import (
    BadInput,
    Conflict,
    Forbidden,
    LampioError,
    TooLarge,
    Unacceptable,
    Unauthorised,
    Unknown,
)
from streaming.fragment import CONTENT_TYPE as FRAGMENT_TYPE
from streaming.ports import (
    Action,
    Authorizer,
    FeedId,
    FeedState,
    Grant,
    Refused,
    Relay,
    RoomId,
    SessionId,
    Want,
)
from streaming.sdp import MAX_BYTES, SENTENCE

Protocol = Literal["whip", "whep"]
CONTENT_TYPE = "application/sdp"
RETRY_AFTER_S = 5
MAX_RESOURCES = 20_000
ANY = ("*", '"*"')
"""`If-Match` of a restart; the protocols' own examples write it in quotes."""
_TAG = re.compile(r'"([\x21\x23-\x7e]*)"')


@dataclass(frozen=True, slots=True)
class Created:
    """201: `resource` is the last part of `Location`, `etag` the entity tag with its quotes."""

    resource: SessionId
    etag: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """200: the new entity tag with its quotes, and our fragment."""

    etag: str
    fragment: str


@dataclass(frozen=True, slots=True)
class _Resource:
    protocol: Protocol
    room: RoomId
    seat: str
    credential: bytes


class Whip:
    """The resources of both protocols.

    A viewer of WHEP gets the room's program: `program(room)` if given, else the feed that is live.
    """

    def __init__(
        self,
        relay: Relay,
        authorizer: Authorizer,
        program: Callable[[RoomId], FeedId | None] | None = None,
    ) -> None:
        self._relay = relay
        self._authorizer = authorizer
        self._program = program
        self._resources: dict[SessionId, _Resource] = {}

    async def post(
        self,
        protocol: Protocol,
        room: RoomId,
        credential: str | None,
        content_type: str,
        body: bytes,
        *,
        if_none_match: str | None = None,
    ) -> Created:
        """Begin to publish or to view.

        Raises 401, 403, 404, 409 (with `retry_after_s`) as the authorizer refuses; 415 for another
        content type, 413 over 64 kB, 400 for what cannot be read; 412 with `If-None-Match: *` while
        the feed is live; 406 where no codec fits, 422 for another offer that cannot be served.
        """
        grant = await self._granted(protocol, room, credential)
        if content_type.partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise Unacceptable("content_type", status=415, sentence=SENTENCE)
        if len(body) > MAX_BYTES:
            raise TooLarge("sdp_too_large", sentence=SENTENCE)
        offer = body.decode("utf-8", "replace")
        if protocol == "whip":
            feed = FeedId(room, grant.seat)
            if if_none_match is not None and if_none_match.strip() == "*" and self._live(feed):
                raise Conflict("feed_is_live", status=412)
            made = await self._relay.publish(grant, feed, offer)
        else:
            program = self._program_of(room)
            if program is None:
                raise Conflict("no_feed", retry_after_s=RETRY_AFTER_S)
            made = await self._relay.view(grant, Want((program,)), offer)
        self._sweep(room)
        self._resources[made.session] = _Resource(
            protocol, room, grant.seat, _digest(credential or "")
        )
        return Created(made.session, f'"{made.etag}"', made.sdp)

    async def delete(
        self, protocol: Protocol, room: RoomId, resource: SessionId, credential: str | None
    ) -> None:
        """End it. Raises 401 without a credential, 403 for another's, 404 where there is none."""
        await self._own(protocol, room, resource, credential)
        await self._relay.close(resource, "closed")
        self._resources.pop(resource, None)

    async def patch(
        self,
        protocol: Protocol,
        room: RoomId,
        resource: SessionId,
        credential: str | None,
        content_type: str,
        body: bytes,
        *,
        if_match: str | None,
    ) -> Restarted | None:
        """Take a fragment of trickle ICE or of an ICE restart (RFC 9725 4.3). None (204) for candidates,
        which are ignored: our side is ICE-lite.

        Raises as `delete`; 415 for another content type; 428 without `If-Match`, 412 where it names
        another ICE session than the present; 413 over 16 kB, 400 for what is no fragment, 422 for one
        that cannot be: another's sections, names of an earlier ICE session, a name with a new password.
        The session outlives every refusal.
        """
        await self._own(protocol, room, resource, credential)
        if content_type.partition(";")[0].strip().lower() != FRAGMENT_TYPE:
            raise Unacceptable("content_type", status=415, sentence=SENTENCE)
        if if_match is None:
            raise Conflict("if_match", "If-Match is needed", status=428)
        etag = self._relay.etag(resource)
        restart = if_match.strip() in ANY
        if not restart and etag not in _tags(if_match):
            raise Conflict("stale_tag", "another ICE session than the present", status=412)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise BadInput("sdpfrag", "not a text") from None
        made = await self._relay.patch(resource, text, restart=restart)
        return None if made is None else Restarted(f'"{made.etag}"', made.sdp)

    async def _own(
        self, protocol: Protocol, room: RoomId, resource: SessionId, credential: str | None
    ) -> None:
        """Hold the resource to be the credential's, or another's of the same seat."""
        if not credential:
            raise Unauthorised()
        known = self._resources.get(resource)
        if known is None or known.protocol != protocol or known.room != room:
            raise Unknown("session")
        if not hmac.compare_digest(known.credential, _digest(credential)):
            grant = await self._granted(protocol, room, credential)
            if grant.seat != known.seat:
                raise Forbidden("not_your_session")
        if not self._stands(room, resource):
            self._resources.pop(resource, None)
            raise Unknown("session")

    async def _granted(self, protocol: Protocol, room: RoomId, credential: str | None) -> Grant:
        if not credential:
            raise Unauthorised()
        action = Action.PUBLISH if protocol == "whip" else Action.VIEW
        answer = await self._authorizer.grant(credential, room, action)
        if isinstance(answer, Refused):
            raise _refusal(answer)
        return answer

    def _live(self, feed: FeedId) -> bool:
        return any(
            info.feed == feed and info.state is FeedState.LIVE
            for info in self._relay.feeds(feed.room)
        )

    def _program_of(self, room: RoomId) -> FeedId | None:
        if self._program is not None:
            return self._program(room)
        order = (FeedState.LIVE, FeedState.STALLED)
        feeds = [info for info in self._relay.feeds(room) if info.state in order]
        feeds.sort(key=lambda info: order.index(info.state))
        return feeds[0].feed if feeds else None

    def _stands(self, room: RoomId, session: SessionId) -> bool:
        return any(grant.session == session for grant in self._relay.grants(room))

    def _sweep(self, room: RoomId) -> None:
        """Forget resources whose sessions ended by themselves, before the book grows large."""
        standing = {grant.session for grant in self._relay.grants(room)}
        for session, known in list(self._resources.items()):
            if known.room == room and session not in standing:
                del self._resources[session]
        while len(self._resources) >= MAX_RESOURCES:
            del self._resources[next(iter(self._resources))]


def _tags(if_match: str) -> set[str]:
    """The strong entity tags of an `If-Match` (RFC 9110 13.1.1); weak ones match nothing."""
    parts = [part.strip() for part in if_match.split(",")]
    return {found.group(1) for part in parts if (found := _TAG.fullmatch(part))}


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode()).digest()


def _refusal(refused: Refused) -> LampioError:
    if refused.status == 401:
        return Unauthorised(refused.code)
    if refused.status == 403:
        return Forbidden(refused.code)
    if refused.status == 404:
        return Unknown(refused.code)
    return Conflict(
        refused.code, retry_after_s=refused.retry_after_s or RETRY_AFTER_S, status=refused.status
    )
