"""Words: how phrases and labels become words, as named policies with a written default.

The first choice of each policy is its default; `WordPolicy.signature` prints what was chosen.

=============  ==================  =============================================================
policy         choices             what it decides
=============  ==================  =============================================================
*case*         lower, keep         "Dog": dog, or as it stands
*possessives*  strip, keep         "man's", "man 's": man; or man's, and man with 's
*punctuation*  drop, keep          "," is no word; or it is
*digits*       keep, spell, drop   "2": 2, two (up to ten), or no word
*hyphens*      known, split, keep  "t-shirt": whole if the vectors have it, else its parts; or
                                   always its parts; or always whole
*unknown*      skip, zero          a word without vector is left out, or counts as a zero vector
*compounds*    mean, last          "traffic light": the mean of its words, or light
*synonyms*     mean, first         "gray,grey": the mean of both, or gray
=============  ==================  =============================================================

Where no vectors are at hand (direct matching), ``hyphens=known`` takes a word whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

from phraseloc.errors import OptionError

CHOICES: Mapping[str, tuple[str, ...]] = {
    "case": ("lower", "keep"),
    "possessives": ("strip", "keep"),
    "punctuation": ("drop", "keep"),
    "digits": ("keep", "spell", "drop"),
    "hyphens": ("known", "split", "keep"),
    "unknown": ("skip", "zero"),
    "compounds": ("mean", "last"),
    "synonyms": ("mean", "first"),
}

_SPELLED = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

_APOSTROPHES = str.maketrans("\u2019\u2018", "''")


@dataclass(frozen=True)
class WordPolicy:
    """How texts become words, as the module describes.

    Raises
    ------
    OptionError
        if a policy has no such choice

    Examples
    --------
    >>> WordPolicy().words("The man's t-shirt, 2 dogs")
    ['the', 'man', 't-shirt', '2', 'dogs']
    >>> WordPolicy(digits="spell", hyphens="split").words("The man's t-shirt, 2 dogs")
    ['the', 'man', 't', 'shirt', 'two', 'dogs']
    """

    case: str = "lower"
    possessives: str = "strip"
    punctuation: str = "drop"
    digits: str = "keep"
    hyphens: str = "known"
    unknown: str = "skip"
    compounds: str = "mean"
    synonyms: str = "mean"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise OptionError(
                    f"word policy {name} is {value!r}; expected one of {', '.join(choices)}"
                )

    @property
    def signature(self) -> str:
        """Every choice, in one line."""
        return "|".join(f"{field.name}:{getattr(self, field.name)}" for field in fields(self))

    def words(self, text: str) -> list[str]:
        """Split a text into words; hyphens stay where whole words may be known."""
        return list(_words(self, text))

    def known_words(self, text: str, known: Callable[[str], bool]) -> list[str]:
        """Split a text into words, hyphenated ones into parts where only the parts are known."""
        return [
            part
            for word in self.words(text)
            for part in ([word] if self.hyphens == "keep" or known(word) else _parts(word))
        ]

    def names(self, label: str) -> list[str]:
        """Give the names of a label: all of its synonyms, or the first.

        Examples
        --------
        >>> WordPolicy().names("stop sign,stopsign")
        ['stop sign', 'stopsign']
        """
        names = [name.strip() for name in label.split(",")]
        return names[:1] if self.synonyms == "first" else names

    def candidates(self, texts: Iterable[str]) -> set[str]:
        """Give every word that vectors might be wanted for."""
        words = {word for text in texts for word in self.words(text)}
        return words.union(*map(_parts, words)) if self.hyphens == "known" else words

    def cleaned(self, token: str) -> Sequence[str]:
        """Clean one token of a text; it becomes no word, one or several."""
        if self.punctuation == "drop":
            token = token.strip('.,;:!?()[]{}"`')
        if self.possessives == "strip":
            token = token.removesuffix("'s").strip("'")
        if not token or (self.punctuation == "drop" and not any(map(str.isalnum, token))):
            return ()
        if token.isdecimal() and self.digits != "keep":
            if self.digits == "drop":
                return ()
            return [_SPELLED[int(token)] if int(token) < len(_SPELLED) else token]
        return _parts(token) if self.hyphens == "split" else [token]


@lru_cache(maxsize=2**16)
def _words(policy: WordPolicy, text: str) -> tuple[str, ...]:
    text = text.translate(_APOSTROPHES)
    tokens = (text.lower() if policy.case == "lower" else text).split()
    return tuple(word for token in tokens for word in policy.cleaned(token))


def parse_policy(settings: Iterable[str]) -> WordPolicy:
    """Parse ``policy=choice`` settings.

    Examples
    --------
    >>> parse_policy(["synonyms=first"]).synonyms
    'first'
    """
    chosen = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or name not in CHOICES:
            raise OptionError(
                f"{setting!r} is no word policy; expected NAME=CHOICE with a name of "
                f"{', '.join(CHOICES)}"
            )
        chosen[name] = value
    return WordPolicy(**chosen)


def _parts(word: str) -> list[str]:
    return [part for part in word.split("-") if part]
