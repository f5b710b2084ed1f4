"""A registry whose values are read from their owners at the moment of the scrape.

Owners keep plain ints; nothing here is touched on the way of a packet or a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from infra.logs import get_logger

Labelled = Mapping[tuple[str, ...], float]
Read = Callable[[], float | Labelled]

_log = get_logger("infra.metrics")


@dataclass(frozen=True, slots=True)
class _Source:
    kind: Literal["gauge", "counter"]
    name: str
    help: str
    labels: tuple[str, ...]
    read: Read


class Metrics(Collector):
    """All figures of one process. Labels are ids of kinds (phase, reason), never of people."""

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def gauge(self, name: str, help: str, read: Read, labels: tuple[str, ...] = ()) -> None:
        """A figure that goes up and down. With `labels`, `read` returns a dict from label values."""
        self._add(_Source("gauge", name, help, labels, read))

    def counter(self, name: str, help: str, read: Read, labels: tuple[str, ...] = ()) -> None:
        """A figure that only grows; its exposed name ends in `_total`."""
        self._add(_Source("counter", name.removesuffix("_total"), help, labels, read))

    def collect(self) -> Iterable[Metric]:
        """Read every owner; one that fails is logged and left out, the others are told."""
        for source in self._sources.values():
            try:
                value = source.read()
            except Exception as error:
                _log.warning("figure cannot be read", kind=source.name, error=type(error).__name__)
                continue
            family = GaugeMetricFamily if source.kind == "gauge" else CounterMetricFamily
            metric = family(source.name, source.help, labels=source.labels)
            rows = value if isinstance(value, Mapping) else {(): value}
            for labels, figure in rows.items():
                metric.add_metric(list(labels), figure)
            yield metric

    def render(self) -> bytes:
        """The Prometheus text format, ready to send."""
        return generate_latest(self._registry)

    def _add(self, source: _Source) -> None:
        if source.name in self._sources:
            raise ValueError(f"the figure {source.name} is there already")
        self._sources[source.name] = source
