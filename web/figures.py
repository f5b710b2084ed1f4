"""The house's figures for Prometheus, read from their owners at each scrape."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

from infra.broken import BROKEN
from rooms.phases import Phase
from streaming.ports import FeedState, May, RoomId
from web.parts import Parts


def add_figures(parts: Parts) -> None:
    """Register what `/metrics` tells."""
    relay, hubs = parts.relay, parts.hubs

    def sockets() -> float:
        return sum(hub.listeners for hub in hubs.all())

    def sessions() -> dict[tuple[str, ...], float]:
        kinds: Counter[tuple[str, ...]] = Counter({("publishing",): 0, ("viewing",): 0})
        for hub in hubs.all():
            for grant in relay.grants(RoomId(hub.room)):
                kinds[("publishing" if May.PUBLISH in grant.may else "viewing",)] += 1
        return dict(kinds)

    def feeds() -> dict[tuple[str, ...], float]:
        states: Counter[tuple[str, ...]] = Counter({(state.value,): 0 for state in FeedState})
        for hub in hubs.all():
            for info in relay.feeds(RoomId(hub.room)):
                states[(info.state.value,)] += 1
        return dict(states)

    def stat(name: str) -> float:
        return relay.stats()[name]

    metrics = parts.metrics
    metrics.gauge("lampio_tasks", "Tasks of the event loop", lambda: len(asyncio.all_tasks()))
    metrics.gauge("lampio_sockets", "Open WebSockets of rooms", sockets)
    metrics.gauge("lampio_sessions", "Media sessions", sessions, labels=("kind",))
    metrics.gauge("lampio_live_viewers", "Viewers by segments", lambda: parts.live.viewers)
    metrics.gauge("lampio_live_bytes", "Bytes of live segments", lambda: parts.live.windows.size)
    metrics.counter(
        "lampio_live_dropped",
        "Live segments dropped for want of a keyframe",
        lambda: parts.live.windows.dropped,
    )
    metrics.gauge("lampio_feeds", "Feeds by state", feeds, labels=("state",))
    metrics.counter(
        "lampio_broken_rows", "Rows that could not be read", BROKEN.counts, labels=("table",)
    )
    captures, carrier, house = parts.captures, parts.carrier, parts.house

    def rooms() -> dict[tuple[str, ...], float]:
        counted = Counter(phase.value for phase in house.rooms().values())
        return {(phase.value,): counted[phase.value] for phase in Phase}

    metrics.gauge("lampio_rooms", "Rooms that this node has", rooms, labels=("phase",))
    metrics.gauge("lampio_hubs", "Rooms that are listened to here", lambda: len(hubs.all()))
    metrics.gauge(
        "lampio_redis_up", "1 while Redis answers; NaN without one", lambda: _up(carrier.up)
    )
    metrics.counter(
        "lampio_redis_reconnections", "Times that Redis was away", lambda: carrier.reconnections
    )
    metrics.counter(
        "lampio_redis_refused",
        "What came through Redis and was not the house's own",
        lambda: carrier.refused,
    )
    metrics.gauge("lampio_commands_waiting", "Commands under way", lambda: carrier.waiting)

    def troubles() -> dict[tuple[str, ...], float]:
        found = captures.troubles()
        return {(kind,): found[kind] for kind in ("disk_full", "storage_away", "disk_low")}

    def free() -> float:
        # Looked at by the recorders' watch, or here where nothing was recorded yet.
        if captures.disk.free is None:
            captures.disk.look()
        return float("nan") if captures.disk.free is None else captures.disk.free

    metrics.gauge("lampio_recorders", "Feeds being recorded", lambda: captures.active)
    metrics.gauge("lampio_takes_waiting", "Finished takes not stored yet", lambda: captures.waiting)
    metrics.gauge("lampio_spool_free_bytes", "Room on the spool's disk", free)
    metrics.gauge(
        "lampio_recordings_in_trouble", "Rooms by what is wrong", troubles, labels=("kind",)
    )
    metrics.counter(
        "lampio_recorder_overruns", "Batches that could not be recorded", lambda: captures.overruns
    )
    for name in relay.stats():
        words = name.replace("_", " ")
        metrics.counter(
            f"lampio_relay_{name}", f"The relay's count of {words}", partial(stat, name)
        )


def _up(up: bool | None) -> float:
    return float("nan") if up is None else float(up)
