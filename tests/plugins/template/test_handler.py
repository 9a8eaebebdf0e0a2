"""What is answered to whom; expectations without a note are CoreDNS 1.14.7's answers."""

import pytest

from kdns.chain.answer import Answer, refuse
from kdns.wire import codes
from kdns.wire.edns import Edns
from kdns.wire.record import Record
from tests.kit.chain import Chain, Next, root_chain
from tests.kit.query import question

NEXT = refuse(codes.REFUSED)
IP = (
    "template IN A ip.example {\n"
    'match "^ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]ip[.]example[.]$"\n'
    'answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"\n'
)
SERVFAIL = ("SERVFAIL",)
PASSED = ("REFUSED",)


def shown(chain: Chain, answer: Answer, name: str) -> tuple[str, ...]:
    """Code and records; only the code of an answer that nobody wrote."""
    code = codes.rcode_name(answer.rcode)
    if not answer.written:
        return (code,)
    asked = question(name).name
    assert answer.flags & codes.AA
    return (code, *(record.to_text(asked) for record in (*answer.answer, *answer.authority, *answer.additional)))


def asked(directives: str, name: str, rtype: str = "A", **how: object) -> tuple[str, ...]:
    chain = root_chain(directives, behind=Next(NEXT))
    return shown(chain, chain.ask(name, rtype, **how), name)


@pytest.mark.parametrize(
    ("name", "rtype", "expected"),
    [
        ("ip-10-0-0-1.ip.example", "A", ("NOERROR", "ip-10-0-0-1.ip.example. 60 IN A 10.0.0.1")),
        ("IP-10-0-0-1.IP.Example", "A", ("NOERROR", "ip-10-0-0-1.ip.example. 60 IN A 10.0.0.1")),
        ("ip-10-0-0-1.ip.example", "ANY", ("NOERROR", "ip-10-0-0-1.ip.example. 60 IN A 10.0.0.1")),
        ("ip-10-0-0-300.ip.example", "A", SERVFAIL),
        ("ip-10-0-0-.ip.example", "A", SERVFAIL),
        ("other.ip.example", "A", SERVFAIL),
        ("ip-10-0-0-1.ip.example", "AAAA", PASSED),
        ("ip-10-0-0-1.example", "A", PASSED),
    ],
)
def test_a_match_is_answered_and_no_match_is_an_end(name: str, rtype: str, expected: tuple[str, ...]) -> None:
    assert asked(IP + "}", name, rtype) == expected


def test_fallthrough() -> None:
    assert asked(IP + "fallthrough\n}", "other.ip.example") == PASSED
    assert asked(IP + "fallthrough a.ip.example b.ip.example\n}", "x.b.ip.example") == PASSED
    assert asked(IP + "fallthrough a.ip.example\n}", "x.b.ip.example") == SERVFAIL


def test_directives_are_tried_in_order() -> None:
    text = (
        'template IN A example {\nmatch ^x\nanswer "o. 1 TXT one"\nfallthrough deep.example\n}\n'
        'template IN ANY example {\nanswer "o. 1 TXT two"\n}'
    )
    assert asked(text, "x.example") == ("NOERROR", 'o. 1 IN TXT "one"')
    assert asked(text, "a.deep.example") == ("NOERROR", 'o. 1 IN TXT "two"')
    assert asked(text, "a.example") == SERVFAIL
    assert asked(text, "a.example", "MX") == ("NOERROR", 'o. 1 IN TXT "two"')


@pytest.mark.parametrize(
    ("directive", "cls", "rtype", "expected"),
    [
        ("CH ANY", codes.CH, "TXT", "CH TXT"),
        ("CH ANY", codes.IN, "TXT", None),
        ("ANY TXT", codes.HS, "ANY", "HS TXT"),
        ("CH MX", codes.ANY_CLASS, "ANY", "CH MX"),
        ("ANY ANY", codes.ANY_CLASS, "ANY", "ANY ANY"),
    ],
)
def test_classes_and_types(directive: str, cls: int, rtype: str, expected: str | None) -> None:
    text = f'template {directive} {{\nanswer "o. TXT `{{{{ .Class }}}} {{{{ .Type }}}}`"\n}}'.replace("`", '\\"')
    wanted = PASSED if expected is None else ("NOERROR", f'o. 3600 IN TXT "{expected}"')
    assert asked(text, "a.example", rtype, cls=cls) == wanted


def test_the_first_expression_that_matches_counts() -> None:
    text = 'template IN A {\nmatch a ^b(.)\nmatch c\nanswer "o. TXT {{ index .Match 0 }} {{ len .Match }}"\n}'
    assert asked(text, "bxc.org")[1] == 'o. 3600 IN TXT "bx" "2"'
    assert asked(text, "bac.org")[1] == 'o. 3600 IN TXT "a" "1"'
    assert asked(text, "C.org")[1] == 'o. 3600 IN TXT "c" "1"'


def test_sections() -> None:
    text = (
        "template IN MX b {\n"
        'additional "mail.{{ .Zone }} 60 A 192.0.2.1" "mail.{{ .Zone }} AAAA 2001:db8::1"\n'
        'answer "{{ .Name }} 60 IN MX 10 mail.{{ .Zone }}"\nanswer "{{ .Name }} 60 IN MX 20 mail2"\n'
        'authority "{{ .Zone }} 60 NS ns.{{ .Zone }}"\n}'
    )
    chain = root_chain(text)
    answer = chain.ask("a.b", "MX")
    assert [record.to_text() for record in answer.answer] == ["a.b. 60 IN MX 10 mail.b.", "a.b. 60 IN MX 20 mail2."]
    assert [record.to_text() for record in answer.authority] == ["b. 60 IN NS ns.b."]
    assert [record.to_text() for record in answer.additional] == [
        "mail.b. 60 IN A 192.0.2.1", "mail.b. 3600 IN AAAA 2001:db8::1",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["NOERROR", "FORMERR", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "NOTZONE"])
def test_codes_go_with_the_message(name: str) -> None:
    expected = (name, 'o. 3600 IN TXT "x"')
    assert asked(f'template IN A {{\nanswer "o. TXT x"\nrcode {name}\n}}', "a.example") == expected


def test_servfail_makes_nothing() -> None:
    chain = root_chain('template IN A {\nanswer "{{ .Nope }}"\nrcode SERVFAIL\n}')
    assert chain.ask("a.example") == refuse(codes.SERVFAIL)


def test_a_code_that_needs_edns() -> None:
    """CoreDNS sends nothing to clients without it."""
    text = 'template IN A {\nanswer "o. TXT x"\nrcode BADCOOKIE\n'
    assert asked(text + "}", "a.example") == SERVFAIL
    assert asked(text + "}", "a.example", edns=Edns(1232)) == ("BADCOOKIE", 'o. 3600 IN TXT "x"')
    assert asked(text + "ederror 3\n}", "a.example") == ("BADCOOKIE", 'o. 3600 IN TXT "x"')


def test_an_extended_error() -> None:
    answer = root_chain("template IN A {\nederror 21 blocked\nrcode NXDOMAIN\n}").ask("a.example")
    assert (answer.rcode, answer.do) == (codes.NXDOMAIN, True)
    assert [(option.code, option.data) for option in answer.options] == [(codes.EDE, b"\x00\x15blocked")]
    assert not root_chain("template IN A").ask("a.example").do


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("{{ .Nope }}", (
            'template: answer:1:3: executing "answer" at <.Nope>: can\'t evaluate field Nope in type '
            "*template.templateData"
        )),
        ("{{ .Name }} 60 IN A 192.0.2", "dns: line 1: bad A data: Expected 4 octets in '192.0.2'"),
        ("{{ .Name }} A 192.0.2.1 junk", "dns: line 1: bad A data: one address, not 2 words"),
        ("$INCLUDE /etc/passwd", "dns: line 1: $INCLUDE is not allowed here"),
        ("{{ if false }}x{{ end }}", "no record in the output of answer"),
    ],
)  # fmt: skip
def test_failures(template: str, error: str) -> None:
    assert root_chain(f'template IN A {{\nanswer "{template}"\n}}').ask("a.example") == refuse(codes.SERVFAIL, error)


def alias(*targets: str) -> str:
    return "template IN ANY {\n" + "".join([f'answer "{{{{ .Name }}}} 5 CNAME {each}"\n' for each in targets]) + "}"


def connected(chain: Chain, **found: Answer) -> list[tuple[str, int, int]]:
    """Lets lookups find answers by the first label of their names; what was looked up."""
    looked: list[tuple[str, int, int]] = []

    async def resolve(query: object) -> Answer:
        looked.append((query.text, query.question.type, query.depth))  # type: ignore[attr-defined]
        return found.get(looked[-1][0].partition(".")[0], NEXT)

    chain.site.connect(resolve)
    return looked


ADDRESS = Answer(answer=(Record(None, codes.A, bytes((192, 0, 2, 7)), 9),))


@pytest.mark.parametrize(
    ("rtype", "followed"), [("A", True), ("AAAA", True), ("CNAME", False), ("TXT", False), ("ANY", False)]
)
def test_aliases_are_followed_for_addresses(rtype: str, followed: bool) -> None:
    chain = root_chain(alias("Web.example"))
    looked = connected(chain, web=ADDRESS)
    lines = [record.to_text() for record in chain.ask("a.example", rtype).answer]
    assert lines == ["a.example. 5 IN CNAME Web.example.", *["Web.example. 9 IN A 192.0.2.7"] * followed]
    assert looked == [("web.example.", codes.TYPE_NUMBERS[rtype], 1)] * followed


def test_aliases_that_lead_nowhere() -> None:
    chain = root_chain(alias("nowhere.example", "web.example"))
    looked = connected(chain, web=ADDRESS.replace(flags=codes.TC))
    answer = chain.ask("a.example")
    assert [record.type for record in answer.answer] == [codes.CNAME, codes.CNAME, codes.A]
    assert answer.flags == codes.AA | codes.TC
    assert len(looked) == 2


def test_aliases_of_each_other_end() -> None:
    """CoreDNS goes on until it falls."""
    chain = root_chain(alias(*[f"{i}.{{{{ .Name }}}}" for i in range(9)]))
    chain.site.connect(chain.links["template"].answer)
    depths = 8
    assert len(chain.ask("a.example").answer) == 9 + 9 * 9 * depths


def test_only_the_first_zone_that_holds_the_name_is_shown() -> None:
    text = 'template IN A example sub.example {\nanswer "o. TXT {{ .Zone }}"\n}'
    assert asked(text, "a.SUB.example") == ("NOERROR", 'o. 3600 IN TXT "sub.example."')
    assert asked(text, "xsub.example") == ("NOERROR", 'o. 3600 IN TXT "example."')


def test_constant_answers_are_read_once() -> None:
    chain = root_chain('template IN A {\nanswer "o. 5 A 192.0.2.1"\n}')
    assert chain.ask("a.example").answer[0] is chain.ask("b.example").answer[0]


@pytest.mark.parametrize(
    ("template", "private"),
    [
        ("{{ .Name }} {{ .Type }} {{ .Question.Name }} {{ .Message.RecursionDesired }} {{ .Meta `x/y` }}", False),
        ("{{ .Remote }}", True),
        ("{{ .Message.Id }}", True),
        ("{{ len (print .Message) }}", True),
        ("{{ if false }}{{ .Remote }}{{ end }}", False),
    ],
)
def test_answers_rest_on_what_was_read(template: str, private: bool) -> None:
    basis = root_chain(f'template IN A {{\nanswer "o. TXT \\"{template}\\""\n}}').basis_of("a.example")
    assert (basis.private, basis.fleeting) == (private, False)
