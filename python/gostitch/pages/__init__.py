"""Makes every HTML page of the project.

Self-contained, escaped by construction, readable in light, dark, print and on a phone.

The rooms: `markup` builds escaped elements, `document` the frame of a page, `theme` the look.
`trace` reads OTLP/JSON; on it stand `waterfall` and `overview`. `table`, `chart`, `facts`, `stack`
and `units` are small blocks. A page is a module that arranges blocks: `demo`, `recording`. Standard
library only; nothing here knows how the figures were measured, and nothing touches Go.
"""

from __future__ import annotations

from .demo import Failure, demo_page
from .document import document
from .recording import recording_page
from .trace import Trace, read_trace
from .waterfall import waterfall

__all__ = [
    "Failure",
    "Trace",
    "demo_page",
    "document",
    "read_trace",
    "recording_page",
    "waterfall",
]
