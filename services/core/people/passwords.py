"""The password policy. Pure.

The rule is length, after NIST SP 800-63B: at least twelve characters, five of them different, no
well-known password, nothing of the user's own names, and none of the last five passwords. There is
no rule on mixing letters, digits and signs.
"""

from collections.abc import Iterable, Iterator

from services.core.kit.errors import Fault
from services.core.kit.text import Text

SHORTEST = 12
LONGEST = 200
KEPT_FORMER = 5
"""How many of the last passwords cannot be used again."""

_LEAST_KINDS = 5
_SHORTEST_NAME = 3

_COMMON = frozenset(
    [
        "123456789012",
        "1234567890123",
        "0123456789012",
        "1234567890ab",
        "123456789abc",
        "1q2w3e4r5t6y",
        "1qaz2wsx3edc",
        "1qaz@wsx3edc",
        "qazwsxedcrfv",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiopas",
        "asdfghjkl123",
        "zxcvbnm12345",
        "password1234",
        "password12345",
        "passw0rd1234",
        "p@ssw0rd1234",
        "password@123",
        "passwordpassword",
        "administrator",
        "administrator1",
        "admin1234567",
        "admin12345678",
        "admin@123456",
        "admin@1234567",
        "adminadmin12",
        "root12345678",
        "test12345678",
        "guest1234567",
        "welcome12345",
        "welcome@1234",
        "changeme1234",
        "letmein12345",
        "abcd12345678",
        "abcdefghijkl",
        "abcdefgh1234",
        "abc123456789",
        "abc@12345678",
        "aa123456789.",
        "a1234567890.",
        "iloveyou1234",
        "woaini123456",
        "woaini1314520",
        "woaini520131",
        "5201314520131",
        "zhongguo1234",
        "beijing12345",
        "henan1234567",
        "zhengzhou123",
        "zhengzhou1234",
        "xinmi1234567",
        "wufei1234567",
        "wufeichengshi",
        "zhengwu12345",
        "huanbao12345",
        "shengtaihuanjing",
        "88888888abcd",
        "66666666abcd",
        "qwe123456789",
        "qweasdzxc123",
        "1a2b3c4d5e6f",
    ]
)


def password_faults(password: str, names: Iterable[str | None], pointer: str) -> Iterator[Fault]:
    """Yield the faults of a password; `names` are the user's own."""
    plain = password.casefold()
    if len(password) < SHORTEST:
        yield Fault(
            pointer,
            "password-too-short",
            Text(f"密码至少 {SHORTEST} 个字符", f"At least {SHORTEST} characters"),
        )
    elif plain in _COMMON or len(set(plain)) < _LEAST_KINDS:
        yield Fault(
            pointer,
            "password-too-common",
            Text(
                f"密码过于常见，或不同字符少于 {_LEAST_KINDS} 个；可用几个不相干的词",
                f"Well known, or of fewer than {_LEAST_KINDS} different characters: take some words"
                " that have nothing to do with each other",
            ),
        )
    if any(len(name) >= _SHORTEST_NAME and name.casefold() in plain for name in names if name):
        yield Fault(
            pointer,
            "password-has-name",
            Text("密码不得包含用户名或姓名", "It must not hold the user's name"),
        )


def used_before(pointer: str) -> Fault:
    """Return the fault of a password that is one of the user's last."""
    return Fault(
        pointer,
        "password-used-before",
        Text(f"不得使用最近 {KEPT_FORMER} 个密码", f"None of the last {KEPT_FORMER} is used again"),
    )
