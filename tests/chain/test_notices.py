"""NOTIFY passes by those who take it for a question."""

import pytest

from kdns.chain.answer import Answer
from kdns.chain.notices import is_notice, only_questions
from kdns.chain.site import Hooks, Site
from kdns.wire import codes
from tests.kit.chain import Next, Wiring, process
from tests.kit.query import query

NOTICE = query("example.org", "SOA", flags=codes.NOTIFY << codes.OPCODE_SHIFT | codes.AA)


def test_what_is_a_notice() -> None:
    assert is_notice(NOTICE)
    assert not is_notice(query("example.org", "SOA"))
    assert not is_notice(query("example.org", "SOA", flags=codes.UPDATE << codes.OPCODE_SHIFT))


def test_it_goes_by_only_where_somebody_takes_it() -> None:
    site = Site((), process(), Wiring(), Hooks())
    handler, behind = Next(Answer(flags=codes.AA)), Next(Answer(flags=codes.TC))
    assert only_questions(handler, behind, site) is handler
    site.listen.notices = True
    both = only_questions(handler, behind, site)
    for asked, flags in ((NOTICE, codes.TC), (query("example.org", "SOA"), codes.AA)):
        with pytest.raises(StopIteration) as done:
            both.answer(asked).send(None)
        assert done.value.value.flags == flags
