"""One directive: read once, with every regular expression compiled and every template parsed."""

from dataclasses import dataclass

from kdns.chain.zones import Zones
from kdns.corefile import Line, Regexp
from kdns.plugins.template.conditions import Conditions, Environment
from kdns.plugins.template.records import Maker
from kdns.plugins.template.text import Template, TemplateError
from kdns.plugins.template.text.literal import quote
from kdns.plugins.template.text.value import octets, readable
from kdns.wire import codes
from kdns.wire.edns import Option

SECTIONS = ("answer", "additional", "authority")
"""Parts of a message, in the order in which they are made."""

_RCODES = {name: number for name, number in codes.RCODE_NUMBERS.items() if name != "BADVERS"} | {
    "BADSIG": codes.BADVERS,
    "DSOTYPENI": 11,
    "NOTIMPL": codes.NOTIMP,
}
"""CoreDNS's mnemonics; one number has two, of which it has the older."""
_ANYTHING = Regexp(".*")
_MAX_REASON = 4096
_NOWHERE = Zones(())


@dataclass(frozen=True, slots=True)
class Options:
    """What is answered, and to whom. `passes` are the zones of `fallthrough`, `error` the option of `ederror`."""

    zones: Zones
    cls: int
    type: int
    regexps: tuple[Regexp, ...]
    makers: tuple[Maker, ...]
    conditions: Conditions
    rcode: int
    error: Option | None
    passes: Zones


def read(line: Line, zones: tuple[str, ...]) -> Options:
    """One directive; `zones` are those of the block. Raises `ConfigError`."""
    cls = codes.CLASS_NUMBERS.get(line.text())
    if cls is None:
        raise line.error(f"invalid query class {line.token.text}")
    rtype = codes.TYPE_NUMBERS.get(line.text())
    if rtype is None:
        raise line.error(f"invalid RR class {line.token.text}")
    regexps: list[Regexp] = []
    environment = Environment()
    made: dict[str, list[Maker]] = {section: [] for section in SECTIONS}
    rcode, error, passes = codes.NOERROR, None, _NOWHERE
    own = Zones(line.zones(zones))
    for option in line.block():
        match option.name:
            case "match":
                regexps += _regexps(option)
            case "answer" | "additional" | "authority":
                made[option.name] += _makers(option)
            case "var" | "expr":
                _expression(option, environment)
            case "rcode":
                rcode = _rcode(option)
            case "ederror":
                error = _error(option)
            case "fallthrough":
                passes = Zones(option.zones((".",)))
            case "upstream":
                option.rest()
            case _:
                raise option.wrong_count()
    makers = tuple([maker for section in SECTIONS for maker in made[section]])
    conditions = environment.conditions()
    return Options(own, cls, rtype, tuple(regexps) or (_ANYTHING,), makers, conditions, rcode, error, passes)


def _regexps(option: Line) -> list[Regexp]:
    found = [option.regexp(wrong="could not parse regex: {word}, {error}")]
    while option.more:
        found.append(option.regexp(wrong="could not parse regex: {word}, {error}"))
    return found


def _makers(option: Line) -> list[Maker]:
    texts, found = option.some(), []
    for text in texts:
        try:
            found.append(Maker(option.name, Template(option.name, text)))
        except TemplateError as error:
            raise option.error(f"could not compile template: {texts[-1]}, {error}") from error
    return found


def _expression(option: Line, environment: Environment) -> None:
    """`var NAME EXPRESSION` or `expr EXPRESSION`, which has as many words as it likes."""
    words = option.some()
    try:
        if option.name == "expr":
            environment.condition(" ".join(words))
        elif len(words) > 1:
            environment.variable(words[0], " ".join(words[1:]))
        else:
            raise option.wrong_count()
    except ValueError as error:
        raise option.error(str(error)) from error


def _rcode(option: Line) -> int:
    rcode = _RCODES.get(option.text())
    if rcode is None:
        raise option.error(f"unknown rcode {option.token.text}")
    return rcode


def _error(option: Line) -> Option:
    """An extended DNS error (RFC 8914)."""
    words = option.some()
    if len(words) > 2:
        raise option.wrong_count()
    number = words[0]
    shown = readable(quote(octets(number)))
    wrong = f"error parsing extended DNS error code {words[-1]}, strconv.ParseUint: parsing {shown}: "
    if not (number.isascii() and number.isdigit()):
        raise option.error(wrong + "invalid syntax")
    if len(number.lstrip("0")) > 5 or int(number) > 0xFFFF:
        raise option.error(wrong + "value out of range")
    reason = "".join(words[1:]).encode()
    if len(reason) > _MAX_REASON:
        raise option.error(f"extended DNS error text too long: {len(reason)} > {_MAX_REASON}")
    return Option(codes.EDE, int(number).to_bytes(2, "big") + reason)
