"""The forms in which the date of a picture is written: ISO 8601, and of EDTF what people know of old photographs.

EDTF (ISO 8601-2, Library of Congress) up to level 1, without years of more than four digits:

1968   1968-07   1968-07-14   1968-07-14T15:30   1968-07-14T15:30:00+02:00   as exact as it is known
1968?   1968-07~   1968-07-14%                     uncertain, about, both
196X   19XX   1968-XX   1968-07-XX   1968-XX-XX    digits that are not known
1968-21                                            a season: 21 spring, 22 summer, 23 autumn, 24 winter
1965/1968   1968-07/1968-08~   1968/..   ../1968   from, to; `..`: open, nothing: not known
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime
from typing import Final

_DATE: Final = re.compile(
    r"(?P<year>[0-9]{4}|[0-9]{3}X|[0-9]{2}XX)(?:-(?P<month>[0-9]{2}|XX)(?:-(?P<day>[0-9]{2}|XX))?)?[?~%]?", re.ASCII
)
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})?", re.ASCII
)
_SEASONS: Final = range(21, 25)
# Their first months in the northern half of the world, where most films were exposed.
_SEASON_BEGINS: Final = {"21": "03", "22": "06", "23": "09", "24": "12"}
# A leap year: of a year that is not known, every day may be.
_LEAP_YEAR: Final = 2000
EXPECTED: Final = "expected a date like 1968, 1968-07, 1968-07-14, 196X, 1968? or 1965/1968"


def checked_date(text: str) -> str:
    """Return a date as it was written.

    Raises
    ------
    ValueError
        It has none of the forms above, there is no such day, or an interval ends before it begins.
    """
    begin, is_interval, end = text.partition("/")
    if not is_interval:
        _require_moment(text, text)
    elif begin in ("", "..") and end in ("", ".."):
        raise ValueError(f"{EXPECTED}, found {text!r}")
    else:
        for part in (begin, end):
            if part not in ("", ".."):
                _require_moment(part, text)
        is_closed = not {begin, end} & {"", ".."}
        if is_closed and _bound(end, "9", "12", "31") < _bound(begin, "0", "01", "01"):
            raise ValueError(f"{text!r} ends before it begins")
    return text


def first_moment(text: str) -> str | None:
    """Return the first second that a date may mean, for programs that know whole dates only.

    1974-07 gives 1974-07-01T00:00:00, 196X gives 1960-01-01T00:00:00, 1968-21 (spring) gives 1968-03-01T00:00:00.
    An interval gives its begin, and its end where the begin is open or not known. A zone stays.

    Returns
    -------
    str or None
        ISO 8601; None for a text that is no date, and for the year 0, which other programs take for no date at all.
    """
    try:
        begin, _, end = checked_date(text).partition("/")
    except ValueError:
        return None
    part = end if begin in ("", "..") else begin
    if _TIME.fullmatch(part):
        moment = part if part[16:17] == ":" else f"{part[:16]}:00{part[16:]}"
    else:
        bound = _bound(part.rstrip("?~%"), "0", _SEASON_BEGINS.get(part[5:7], "01"), "01")
        # 197X-02-29 is a day of 1972, and 1970 has none such.
        day = min(int(bound[6:]), calendar.monthrange(max(int(bound[:4]), 1), int(bound[4:6]))[1])
        moment = f"{bound[:4]}-{bound[4:6]}-{day:02d}T00:00:00"
    return None if moment.startswith("0000") else moment


def _require_moment(part: str, whole: str) -> None:
    if _TIME.fullmatch(part):
        try:
            datetime.fromisoformat(part)
        except ValueError as error:
            raise ValueError(f"{whole!r}: {error}") from error
        return
    found = _DATE.fullmatch(part)
    if found is None:
        raise ValueError(f"{EXPECTED}, found {whole!r}")
    if not _exists(found["year"], found["month"], found["day"]):
        raise ValueError(f"{whole!r}: there is no such month or day")


def _exists(year: str, month: str | None, day: str | None) -> bool:
    if month in (None, "XX"):
        # A day of a month that is not known may be not known either.
        return day in (None, "XX")
    number = int(month)
    if number in _SEASONS:
        return day is None
    if not 1 <= number <= 12:
        return False
    known_year = int(year) if year.isdigit() and int(year) > 0 else _LEAP_YEAR
    return day in (None, "XX") or 1 <= int(day) <= calendar.monthrange(known_year, number)[1]


def _bound(part: str, digit: str, month: str, day: str) -> str:
    """Return a bound of a date as year, month and day, with the given digit, month and day where it tells none."""
    told_month, told_day = part[5:7], part[8:10]
    known_month = told_month if told_month.isdigit() and int(told_month) <= 12 else month
    return part[:4].replace("X", digit) + known_month + (told_day if told_day.isdigit() else day)
