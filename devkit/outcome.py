"""What a part of the suite came to, read from what pytest prints, so that it can be said again where all output ends:
of a long run often nothing else is seen."""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

_FAILURE = re.compile(r"(FAILED|ERROR) tests/")
_TEST = re.compile(r"(tests/\S+?\.py::.+?)(?: +(?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b.*| *Timeout \(.*| *)$")
_BROKEN_OFF = re.compile(r"!{3,} (.+) !{3,}$")
_END = re.compile(r"=+ (.+ in [\d.]+s\b.*?) =+$")
_THREAD = re.compile(r"(?:Current t|T)hread 0x.+ \(most recent call first\):$")
_FRAME = re.compile(r'  File ".+", line ')
_MOST, _LAST, _FRAMES, _WIDTH = 7, 7, 5, 180
"""Failures of a part; lines of its end, where pytest did not come to its own; a thread's innermost frames among them;
characters of a line."""


@dataclass
class Outcome:
    """Hears the lines of one part's run."""

    part: str
    status: int = 0
    _failures: list[str] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    _test: str = ""
    _end: str = ""
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST))
    _frames: int = 0

    def hear(self, line: str) -> None:
        """Take in one line of the output."""
        line = line.rstrip()
        self._remember(line)
        if _FAILURE.match(line):
            self._failures.append(line)
        elif found := _TEST.match(line):
            self._test = found[1]
        elif found := _BROKEN_OFF.match(line):
            self._notes.append(found[1])
        elif found := _END.match(line):
            self._end = found[1]

    def _remember(self, line: str) -> None:
        self._frames = 0 if _THREAD.match(line) else self._frames + bool(_FRAME.match(line))
        if line and (self._frames <= _FRAMES or not _FRAME.match(line)):
            self._last.append(line)

    def told(self) -> list[str]:
        """The part's exit status and, if it has one that is not 0, what failed with its reasons; of a run that ended in
        the midst the test that it ended in, and its last words."""
        head = f"{self.part}: {self._end or 'ended in the midst'}, exit status {self.status}"
        if self.status == 0:
            return [head]
        lines = self._failures[:_MOST]
        if len(self._failures) > _MOST:
            lines.append(f"and {len(self._failures) - _MOST} more")
        lines += self._notes
        if not self._end:
            lines += [f"in {self._test or 'no test'}; its last lines:", *(f"  {line}" for line in self._last)]
        return [head, *(f"  {line[:_WIDTH]}" for line in lines)]


def summary(outcomes: Iterable[Outcome]) -> str:
    """What all parts came to, those that failed last."""
    lines = [line for outcome in sorted(outcomes, key=lambda outcome: outcome.status != 0) for line in outcome.told()]
    return "\n".join(["", "What the parts came to:", *lines])
