"""Functions of the language that work on strings. What they make is counted before it is made."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Final

from kdns.corefile.expression.frame import Fault, Frame
from kdns.corefile.expression.signature import Builtin, Overload, plain
from kdns.corefile.expression.types import ANY, ARRAY, BOOL, INT, STRING, STRINGS
from kdns.corefile.expression.values import SPACE, Value, octets_before, text_of

_MAX_REPEATS: Final = 1_000_000
_WHITE: Final = "".join(SPACE)


def _trim(frame: Frame, text: str, characters: str = _WHITE) -> str:
    return text.strip(characters) if characters else text


def _upper(frame: Frame, text: str) -> str:
    frame.spend(len(text))
    return text.upper() if text.isascii() else "".join([_one(char, char.upper()) for char in text])


def _lower(frame: Frame, text: str) -> str:
    frame.spend(len(text))
    return text.lower() if text.isascii() else "".join([_one(char, char.lower()) for char in text])


def _one(char: str, other: str) -> str:
    """Go changes characters one by one, so none becomes two."""
    return other if len(other) == 1 else char


def _split(frame: Frame, text: str, separator: str, most: int = -1) -> list[str]:
    frame.spend(len(text) + 1)
    if most == 0:
        return []
    if separator:
        return text.split(separator, most - 1 if most > 0 else -1)
    characters = list(text)
    return characters if not 0 < most < len(characters) else [*characters[: most - 1], "".join(characters[most - 1 :])]


def _split_after(frame: Frame, text: str, separator: str, most: int = -1) -> list[str]:
    parts = _split(frame, text, separator, most)
    return [part + separator for part in parts[:-1]] + parts[-1:]


def _replace(frame: Frame, text: str, old: str, new: str, most: int = -1) -> str:
    count = text.count(old) if most < 0 else min(text.count(old), most)
    frame.spend(len(text) + count * len(new))
    return text.replace(old, new, count)


def _repeat(frame: Frame, text: str, times: int) -> str:
    if times < 0:
        raise Fault(f"invalid argument for repeat (expected positive integer, got {times})")
    if times > _MAX_REPEATS:
        raise Fault("memory budget exceeded")
    frame.spend(len(text) * times)
    return text * times


def _join(frame: Frame, parts: Value, glue: str = "") -> str:
    if any(type(part) is not str for part in parts):
        raise Fault("invalid argument for join")
    frame.spend(sum(map(len, parts)) + len(glue) * len(parts))
    return glue.join(parts)


def _to_base64(frame: Frame, text: str) -> str:
    frame.spend(2 * len(text))
    return b64encode(text.encode("utf-8", "surrogateescape")).decode()


def _from_base64(frame: Frame, text: str) -> str:
    frame.spend(len(text))
    try:
        plain_text = text.replace("\r", "").replace("\n", "").encode("ascii")
        return b64decode(plain_text, validate=True).decode("utf-8", "surrogateescape")
    except (Base64Error, UnicodeEncodeError) as error:
        raise Fault(f"illegal base64 data: {error}") from error


_TEXT: Final[Overload] = ((STRING,), STRING)
_TWO: Final[Overload] = ((STRING, STRING), STRING)
_SPLIT: Final[tuple[Overload, ...]] = (((STRING, STRING), STRINGS), ((STRING, STRING, INT), STRINGS))
_JOIN: Final[tuple[Overload, ...]] = (
    ((STRINGS, STRING), STRING),
    ((ARRAY, STRING), STRING),
    ((ARRAY,), STRING),
    ((STRINGS, STRING), STRING),
    ((STRINGS,), STRING),
)

STRING_FUNCTIONS: Final[Mapping[str, Builtin]] = {
    "string": Builtin(text_of, (((ANY,), STRING),)),
    "trim": Builtin(_trim, (_TEXT, _TWO)),
    "trimPrefix": Builtin(plain(lambda text, prefix=" ": text.removeprefix(prefix)), (_TWO, _TEXT)),
    "trimSuffix": Builtin(plain(lambda text, suffix=" ": text.removesuffix(suffix)), (_TWO, _TEXT)),
    "upper": Builtin(_upper, (_TEXT,)),
    "lower": Builtin(_lower, (_TEXT,)),
    "split": Builtin(_split, _SPLIT),
    "splitAfter": Builtin(_split_after, _SPLIT),
    "replace": Builtin(_replace, (((STRING, STRING, STRING, INT), STRING), ((STRING, STRING, STRING), STRING))),
    "repeat": Builtin(_repeat, (((STRING, INT), STRING),)),
    "join": Builtin(_join, _JOIN),
    "indexOf": Builtin(plain(lambda text, part: octets_before(text, text.find(part))), (((STRING, STRING), INT),)),
    "lastIndexOf": Builtin(plain(lambda text, part: octets_before(text, text.rfind(part))), (((STRING, STRING), INT),)),
    "hasPrefix": Builtin(plain(str.startswith), (((STRING, STRING), BOOL),)),
    "hasSuffix": Builtin(plain(str.endswith), (((STRING, STRING), BOOL),)),
    "toBase64": Builtin(_to_base64, (_TEXT,)),
    "fromBase64": Builtin(_from_base64, (_TEXT,)),
}
