"""Records made of the output of templates."""

from kdns.plugins.template.data import Data
from kdns.plugins.template.text import Template
from kdns.wire import zonetext
from kdns.wire.record import Record
from kdns.wire.zonetext import ZoneError

DEFAULT_TTL = 3600
"""Seconds, for a record without a TTL."""


class Maker:
    """Makes one record of a section."""

    __slots__ = ("_kept", "_template", "section")

    def __init__(self, section: str, template: Template) -> None:
        self.section = section
        self._template = template
        self._kept: Record | None = None

    @property
    def source(self) -> str:
        """The template as metrics name it."""
        return self._template.source

    def make(self, data: Data) -> Record:
        """The record for a query. Raises `TemplateError`, or `ZoneError` for output that is no record."""
        if self._kept is not None:
            return self._kept
        record = zonetext.first(self._template.execute(data), DEFAULT_TTL)
        if record is None:
            # CoreDNS panics, or sends no reply at all.
            raise ZoneError(f"no record in the output of {self.section}")
        if self._template.constant:
            self._kept = record
        return record
